extends "res://shot.gd"
## Bodies that the physics moves: what the link is told of them, what the engine says, and what is seen.

const Recorder: GDScript = preload("res://recorder.gd")
const SIZE: Vector3 = Vector3(0.8, 0.8, 0.8)
const FLOOR: Vector3 = Vector3(12.0, 0.4, 12.0)
const PACE: Vector3 = Vector3(0.4, 0.0, 0.2)

var _recorder: Recorder = Recorder.new()
var _by_name: Dictionary[String, Dictionary] = {}
var _bodies: Dictionary[String, PhysicsBody3D] = {}
var _ticks: int = 0


func _init() -> void:
	frames = 40
	first_dumped = 36


func set_up() -> void:
	super()
	effect.link = _recorder
	_add("floor", StaticBody3D.new(), Vector3(0.0, -0.2, -3.0), FLOOR, "ground")
	var resting: RigidBody3D = RigidBody3D.new()
	resting.mass = 3.0
	resting.contact_monitor = true
	resting.max_contacts_reported = 8
	resting.can_sleep = false
	_add("resting", resting, Vector3(-2.0, 0.42, -2.0), SIZE, "wood")
	var flying: RigidBody3D = RigidBody3D.new()
	flying.gravity_scale = 0.0
	flying.linear_damp_mode = RigidBody3D.DAMP_MODE_REPLACE
	flying.angular_damp_mode = RigidBody3D.DAMP_MODE_REPLACE
	flying.linear_velocity = Vector3(0.3, 0.2, -0.1)
	flying.angular_velocity = Vector3(0.5, 1.5, -0.4)
	_add("flying", flying, Vector3(-0.6, 1.8, -2.5), SIZE, "metal")
	_add("walking", CharacterBody3D.new(), Vector3(0.4, 0.45, -1.5), SIZE, "character")
	_add("carried", AnimatableBody3D.new(), Vector3(2.0, 0.8, -2.5), SIZE, "vehicle")
	var asleep: RigidBody3D = RigidBody3D.new()
	asleep.sleeping = true
	asleep.gravity_scale = 0.0
	_add("asleep", asleep, Vector3(2.4, 2.6, -3.5), SIZE, "stone")


func _physics_process(_delta: float) -> void:
	_ticks += 1
	var walking: CharacterBody3D = _bodies["walking"]
	walking.velocity = PACE
	walking.move_and_slide()
	_bodies["carried"].transform = sway(Vector3(2.0, 0.8, -2.5), 0).translated(Vector3(0.0, 0.004, 0.002) * _ticks)


func look() -> Dictionary:
	for named: String in _bodies:
		var body: PhysicsBody3D = _bodies[named]
		put(_by_name[named], body.global_transform)
		if body is RigidBody3D:
			var rigid: RigidBody3D = body
			_by_name[named]["velocity"] = _six(rigid.linear_velocity, rigid.angular_velocity)
	var stage: Dictionary = super()
	stage.merge({"told_before": _recorder.frames.size(), "ticks": _ticks})
	return stage


func tear_down() -> void:
	findings = {"told": _recorder.frames, "stages": stages, "pace": [PACE.x, PACE.y, PACE.z, 0, 0, 0]}
	super()


func _six(linear: Vector3, angular: Vector3) -> Array[float]:
	return [linear.x, linear.y, linear.z, angular.x, angular.y, angular.z]


## A body with two meshes: what is seen, and a small one inside.
func _add(named: String, body: PhysicsBody3D, place: Vector3, size: Vector3, label: String) -> void:
	for part: Vector3 in [size, size * 0.5]:
		var box: BoxMesh = BoxMesh.new()
		box.size = part
		var shown: MeshInstance3D = MeshInstance3D.new()
		shown.mesh = box
		shown.material_override = paint(Color8(90, 140, 190))
		body.add_child(shown)
	var shape: CollisionShape3D = CollisionShape3D.new()
	shape.shape = BoxShape3D.new()
	(shape.shape as BoxShape3D).size = size
	body.add_child(shape)
	body.position = place
	body.add_to_group("worldplate_" + label)
	add_child(body)
	_bodies[named] = body
	_by_name[named] = thing(named, size, {
		"label": label, "albedo": [90, 140, 190], "roughness": 0.5, "metallic": 0.0, "body": named != "floor"})

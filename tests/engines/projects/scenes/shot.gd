extends Node3D
## A scene to film, what moves in it in each frame, and where everything is.

const VIEW_FROM: Vector3 = Vector3(0.0, 2.2, 5.0)

var frames: int = 8
var first_dumped: int = 5
var camera: Camera3D = Camera3D.new()
var effect: WorldplateEffect = WorldplateEffect.new()
## What look() has given before each frame that was drawn, the first [member early] of them before step 0.
var stages: Array[Dictionary] = []
var early: int = 0
## What the shot has to say besides planes.
var findings: Dictionary = {}

var _things: Array[Dictionary] = []  # See thing().


## To be overridden: builds the scene. Called when this node is in the tree.
func set_up() -> void:
	add_camera(self)
	var sun: DirectionalLight3D = DirectionalLight3D.new()
	sun.rotation = Vector3(-0.9, 0.5, 0.0)
	add_child(sun)


## To be overridden: puts everything where it is in frame [param k].
func step(k: int) -> void:
	if k == 0:
		early = stages.size()
	camera.transform = Transform3D(
		Basis.from_euler(Vector3(-0.22, 0.06 * sin(0.5 * k), 0.0)), VIEW_FROM + Vector3(0.05 * k, 0.02 * k, -0.04 * k))


## Whether the frame is dumped.
func request(callback: Callable) -> bool:
	effect.request_pack(callback)
	return true


## What is where: {camera: pose, things: [{name, size, pose, ...}]}
func look() -> Dictionary:
	return {"camera": pose_numbers(camera.global_transform), "things": _things.duplicate(true)}


func tear_down() -> void:
	camera.compositor = null
	effect.release()


func add_camera(parent: Node) -> void:
	camera.fov = 60.0
	camera.near = 0.1
	camera.far = 100.0
	camera.transform.origin = VIEW_FROM
	var compositor: Compositor = Compositor.new()
	compositor.compositor_effects = [effect]
	camera.compositor = compositor
	parent.add_child(camera)
	camera.make_current()


## A thing to look for in the planes; the same dictionary is what put() moves. [param more] may have: albedo, metallic,
## roughness, label, object (things with the same share an id), kind.
func thing(named: String, size: Vector3, more: Dictionary = {}) -> Dictionary:
	var told: Dictionary = {"name": named, "size": [size.x, size.y, size.z], "pose": pose_numbers(Transform3D.IDENTITY)}
	told.merge(more)
	_things.append(told)
	return told


func put(told: Dictionary, where: Transform3D) -> void:
	told["pose"] = pose_numbers(where)


## Takes a thing out of what is to be seen, or in again.
func show_thing(told: Dictionary, seen: bool) -> void:
	if seen and not told in _things:
		_things.append(told)
	elif not seen:
		_things.erase(told)


func pose_numbers(pose: Transform3D) -> Array[float]:
	var q: Quaternion = pose.basis.orthonormalized().get_rotation_quaternion()
	return [pose.origin.x, pose.origin.y, pose.origin.z, q.x, q.y, q.z, q.w]


## Around a place, moving and turning.
func sway(place: Vector3, k: int) -> Transform3D:
	return Transform3D(Basis(Vector3(0.3, 1.0, 0.2).normalized(), 0.06 * k), place + Vector3(0.05, 0.02, 0.01) * k)


func paint(color: Color, roughness: float = 0.5, metallic: float = 0.0) -> StandardMaterial3D:
	var material: StandardMaterial3D = StandardMaterial3D.new()
	material.albedo_color = color
	material.roughness = roughness
	material.metallic = metallic
	return material


func bytes(color: Color) -> Array[int]:
	return [color.r8, color.g8, color.b8]

extends Node3D
## The known scene of `worldplate conformance`, built from its data, one step of its loop in every frame.
##
## Arguments: scene.json, the renderer's connection file, and how many frames to draw once a plate is there.

const Checks: GDScript = preload("res://checks.gd")
const PATIENCE_MS: int = 300000

var checks: Checks = Checks.new()
var camera: Camera3D = Camera3D.new()
var stream: WorldplateStream = WorldplateStream.new()
var known: Dictionary
var moving: Dictionary[String, Node3D] = {}


func _ready() -> void:
	var arguments: PackedStringArray = OS.get_cmdline_user_args()
	known = JSON.parse_string(FileAccess.get_file_as_string(arguments[0]))
	for thing: Dictionary in known["things"]:
		_add_thing(thing)
	_add_light()
	camera.fov = known["vertical_fov_deg"]
	camera.near = known["near_m"]
	camera.far = known["far_m"]
	add_child(camera)
	_put(0)
	stream.sync = "offline"
	stream.connection_file = arguments[1]
	camera.add_child(stream)
	await _play(int(arguments[2]))
	stream.free()
	await get_tree().process_frame  # What was given to the render thread to be freed is freed.
	checks.finish(get_tree())


## The loop begins when the first plate is there, so that every step is among the frames that are judged.
func _play(frames: int) -> void:
	var limit_ms: int = Time.get_ticks_msec() + PATIENCE_MS
	var step: int = 0
	while step < frames and Time.get_ticks_msec() < limit_ms:
		_put(step)
		await RenderingServer.frame_post_draw
		if step > 0 or _shows_plate():
			step += 1
	checks.holds("steps", step == frames, "%d of %d; %s" % [step, frames, stream.report()["status"]])


func _put(step: int) -> void:
	var at: int = step % (known["camera"] as Array).size()
	camera.transform = _transform(known["camera"][at])
	for thing: String in moving:
		moving[thing].transform = _transform(known["bodies"][thing][at])


## Position and quaternion x, y, z, w. Godot's world is the canonical one.
func _transform(pose: Array) -> Transform3D:
	return Transform3D(Basis(Quaternion(pose[3], pose[4], pose[5], pose[6]).normalized()), _vector(pose.slice(0, 3)))


func _add_thing(thing: Dictionary) -> void:
	var mesh: MeshInstance3D = MeshInstance3D.new()
	var box: BoxMesh = BoxMesh.new()
	box.size = _vector(thing["size_m"])
	mesh.mesh = box
	mesh.material_override = _paint(thing)
	mesh.add_to_group("worldplate_" + str(thing["label"]))
	if not thing["moves"]:
		mesh.position = _vector(thing["position_m"])
		add_child(mesh)
		return
	var body: AnimatableBody3D = AnimatableBody3D.new()
	body.sync_to_physics = false
	body.add_child(mesh)
	add_child(body)
	moving[str(thing["name"])] = body


## Godot's colours are sRGB-encoded, the scene's linear.
func _paint(thing: Dictionary) -> StandardMaterial3D:
	var linear: Vector3 = _vector(thing["albedo"])
	var paint: StandardMaterial3D = StandardMaterial3D.new()
	paint.albedo_color = Color(linear.x, linear.y, linear.z).linear_to_srgb()
	paint.roughness = thing["roughness"]
	paint.metallic = thing["metallic"]
	if thing["unlit"]:
		paint.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	return paint


func _add_light() -> void:
	var sun: DirectionalLight3D = DirectionalLight3D.new()
	sun.rotation = Vector3(-0.9, 0.5, 0.0)
	add_child(sun)
	var holder: WorldEnvironment = WorldEnvironment.new()
	holder.environment = Environment.new()
	holder.environment.background_mode = Environment.BG_COLOR
	holder.environment.background_color = Color.DARK_SLATE_BLUE
	add_child(holder)


func _shows_plate() -> bool:
	var effect: CompositorEffect = stream.get(&"_effect")
	return effect != null and (effect.get(&"picture") as Dictionary).get("plate", 0) > 0


static func _vector(numbers: Array) -> Vector3:
	return Vector3(numbers[0], numbers[1], numbers[2])

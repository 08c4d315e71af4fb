extends Node3D
## Builds the scene that the test wrote down, moves it along the poses written down for each frame, and dumps the packed
## planes of the frames asked for, as <frame>.bin and <frame>.json.

var _plan: Dictionary
var _folder: String
var _effect: WorldplateEffect = WorldplateEffect.new()
var _camera: Camera3D = Camera3D.new()
var _nodes: Array[Node3D] = []
var _frame: int = -1
var _dumped: int = 0
var _failed: int = 0


func _ready() -> void:
	_folder = OS.get_cmdline_user_args()[0]
	_plan = JSON.parse_string(FileAccess.get_file_as_string(_folder.path_join("plan.json")))
	RenderingServer.directional_shadow_atlas_set_size(1024, true)
	var sun: DirectionalLight3D = DirectionalLight3D.new()
	sun.rotation = Vector3(-0.9, 0.5, 0.0)
	add_child(sun)
	for thing: Dictionary in _plan["things"]:
		_nodes.append(_make(thing))
		add_child(_nodes[-1])
	for i: int in int(_plan["crowd"]):
		_add_bystander(i)
	_camera.fov = _plan["fov_deg"]
	_camera.near = _plan["near_m"]
	_camera.far = _plan["far_m"]
	var compositor: Compositor = Compositor.new()
	compositor.compositor_effects = [_effect]
	_camera.compositor = compositor
	add_child(_camera)
	_camera.make_current()


func _process(_delta: float) -> void:
	_frame += 1
	var frames: Array = _plan["frames"]
	if _frame < frames.size():
		_put(frames[_frame])
		if _frame >= _plan["first_dumped"]:
			_effect.request_pack(_dump.bind(_frame))
	elif _dumped == frames.size() - int(_plan["first_dumped"]) or _frame > frames.size() + 60:
		_end()


func _put(frame: Dictionary) -> void:
	_camera.transform = _transform(frame["camera"])
	for i: int in _nodes.size():
		_nodes[i].transform = _transform(frame["things"][i])


func _dump(pixels: PackedByteArray, layout: Dictionary, size: Vector2i, camera: PackedFloat64Array, frame: int) -> void:
	FileAccess.open(_folder.path_join("%d.bin" % frame), FileAccess.WRITE).store_buffer(pixels)
	var told: Dictionary = {"layout": layout, "width": size.x, "height": size.y, "camera": camera}
	FileAccess.open(_folder.path_join("%d.json" % frame), FileAccess.WRITE).store_string(JSON.stringify(told, "", true, true))
	_dumped += 1


func _end() -> void:
	var times: PackedInt32Array = _effect.take_times()
	FileAccess.open(_folder.path_join("times.json"), FileAccess.WRITE).store_string(JSON.stringify(times))
	_camera.compositor = null
	_effect.release()
	print("WORLDPLATE-END %d %d" % [_dumped, _plan["frames"].size() - int(_plan["first_dumped"]) - _dumped])
	set_process(false)
	await get_tree().process_frame
	get_tree().quit()


func _add_bystander(i: int) -> void:
	var bystander: MeshInstance3D = MeshInstance3D.new()
	bystander.mesh = BoxMesh.new()
	bystander.position = Vector3(i % 25 - 12, 0.5, -10 - i / 25) * 2.0
	add_child(bystander)


## Position and quaternion x, y, z, w.
func _transform(pose: Array) -> Transform3D:
	return Transform3D(Basis(Quaternion(pose[3], pose[4], pose[5], pose[6])), Vector3(pose[0], pose[1], pose[2]))


## A body that is moved by hand, and its mesh below it.
func _make(thing: Dictionary) -> Node3D:
	var body: AnimatableBody3D = AnimatableBody3D.new()
	body.sync_to_physics = false
	var mesh: MeshInstance3D = MeshInstance3D.new()
	mesh.mesh = _shape(thing)
	mesh.add_to_group("worldplate_" + str(thing["label"]))
	var material: StandardMaterial3D = StandardMaterial3D.new()
	material.albedo_color = Color8(thing["albedo"][0], thing["albedo"][1], thing["albedo"][2])
	material.roughness = thing["roughness"]
	material.metallic = thing["metallic"]
	if thing["unshaded"]:
		material.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	mesh.material_override = material
	body.add_child(mesh)
	return body


func _shape(thing: Dictionary) -> Mesh:
	var size: Array = thing["size"]
	if thing["kind"] == "box":
		var box: BoxMesh = BoxMesh.new()
		box.size = Vector3(size[0], size[1], size[2])
		return box
	var sphere: SphereMesh = SphereMesh.new()
	sphere.radius = size[0]
	sphere.height = 2.0 * size[0]
	sphere.radial_segments = 192
	sphere.rings = 96
	return sphere

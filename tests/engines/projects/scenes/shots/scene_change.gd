extends "res://shot.gd"
## Two scenes, each with a camera and a WorldplateStream, one after the other.

const CHANGE: int = 10
const DUMPED: Array[int] = [5, 6, 7]  # Frames after a change: streams start with a tick, and pixels come back later.
const SIZE: Vector3 = Vector3(2.0, 1.5, 1.0)
const COLORS: Array[Color] = [Color8(200, 60, 30), Color8(30, 60, 200)]

var _scenes: Array[PackedScene] = []
var _current: int = -1
var _told_box: Dictionary
var _since: int = 0


func _init() -> void:
	frames = 2 * CHANGE


func set_up() -> void:
	for color: Color in COLORS:
		_scenes.append(_pack(color))
	_told_box = thing("box", SIZE, {"roughness": 0.5, "metallic": 0.0, "label": "stone"})
	get_tree().current_scene = _stand_in()


func step(k: int) -> void:
	if k == 0:
		early = stages.size()
	_since += 1
	if k % CHANGE == 0:
		_current = k / CHANGE
		_since = 0
		get_tree().change_scene_to_packed(_scenes[_current])
		_told_box["albedo"] = bytes(COLORS[_current])


func request(callback: Callable) -> bool:
	var streams: Array[Node] = get_tree().get_nodes_in_group(WorldplateStream.GROUP)
	return _since in DUMPED and (streams[0] as WorldplateStream).request_pack(callback)


func look() -> Dictionary:
	var drawn: Camera3D = get_viewport().get_camera_3d()
	return {"camera": pose_numbers(drawn.transform if drawn != null else Transform3D()), "things": _things.duplicate(true)}


func tear_down() -> void:
	effect.release()
	camera.free()
	get_tree().current_scene.free()
	get_tree().current_scene = get_parent()


func _stand_in() -> Node:
	var node: Node = Node.new()
	get_tree().root.add_child(node)
	return node


func _pack(color: Color) -> PackedScene:
	var root: Node3D = Node3D.new()
	var box: MeshInstance3D = MeshInstance3D.new()
	box.mesh = BoxMesh.new()
	(box.mesh as BoxMesh).size = SIZE
	(box.mesh as BoxMesh).material = paint(color)
	box.add_to_group("worldplate_stone", true)
	var drawn: Camera3D = Camera3D.new()
	drawn.fov = 60.0
	drawn.near = 0.1
	drawn.far = 100.0
	drawn.position = Vector3(0.3, 0.5, 4.0)
	root.add_child(box)
	root.add_child(drawn)
	var stream: WorldplateStream = WorldplateStream.new()
	drawn.add_child(stream)
	for node: Node in [box, drawn, stream]:
		node.owner = root
	var scene: PackedScene = PackedScene.new()
	scene.pack(root)
	root.free()
	return scene


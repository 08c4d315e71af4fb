extends "res://shot.gd"
## Three boxes on a floor, one of them moving: for views of all kinds.

const SIZE: Vector3 = Vector3(1.0, 1.2, 0.8)

## Under which everything is.
var world: Node = self

var _moving: MeshInstance3D
var _moving_told: Dictionary


func set_up() -> void:
	add_camera(world)
	_add("floor", Vector3(12.0, 0.4, 12.0), Vector3(0.0, -0.2, -3.0), Color8(120, 110, 90), "ground")
	_add("left", SIZE, Vector3(-1.8, 0.6, -2.0), Color8(200, 60, 30), "wood")
	_add("right", SIZE, Vector3(1.9, 0.6, -3.0), Color8(30, 60, 200), "wall")
	var unshaded: MeshInstance3D = _add("unshaded", SIZE * 0.7, Vector3(0.6, 0.42, -0.5), Color8(180, 220, 40), "light")
	(unshaded.material_override as StandardMaterial3D).shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	_moving = _add("moving", SIZE, Vector3.ZERO, Color8(20, 160, 90), "plastic")
	_moving_told = _things[-1]


func step(k: int) -> void:
	super(k)
	_moving.transform = sway(Vector3(-0.2, 1.2, -1.5), k)
	put(_moving_told, _moving.transform)


func _add(named: String, size: Vector3, place: Vector3, color: Color, label: String) -> MeshInstance3D:
	var box: BoxMesh = BoxMesh.new()
	box.size = size
	var shown: MeshInstance3D = MeshInstance3D.new()
	shown.mesh = box
	shown.material_override = paint(color)
	shown.position = place
	shown.add_to_group("worldplate_" + label)
	world.add_child(shown)
	put(thing(named, size, {"albedo": bytes(color), "label": label, "roughness": 0.5, "metallic": 0.0}), shown.transform)
	return shown

extends "res://shot.gd"
## Things that change in one frame, all at once: each thing tells in "change" what.

const EVENT: int = 6
const SIZE: Vector3 = Vector3(0.8, 0.8, 0.8)
const OLD: Color = Color8(40, 90, 160)
const NEW: Color = Color8(220, 50, 70)

var _spots: Dictionary[String, MeshInstance3D] = {}
var _told: Dictionary[String, Dictionary] = {}  # Also of what is not seen.
var _parent: Node3D = Node3D.new()


func _init() -> void:
	frames = 38
	first_dumped = EVENT - 1
	effect.size = Vector2i(160, 90)
	findings = {"event": EVENT}


func set_up() -> void:
	super()
	camera.transform.origin = VIEW_FROM
	camera.cull_mask = 0b111
	add_child(_parent)
	for change: String in [
		"material override", "surface override", "color of the material", "mesh", "layers", "label", "hidden", "parent hidden",
		"camera's cull mask", "removed", "other parent", "still",
	]:
		_add(change)
	_parent.add_child(_node_of("parent hidden"))
	_node_of("camera's cull mask").layers = 0b1000
	show_thing(_thing_of("camera's cull mask"), false)


func step(k: int) -> void:
	if k == 0:
		early = stages.size()
	if k == EVENT:
		_change()


func _change() -> void:
	_node_of("material override").material_override = paint(NEW)
	_node_of("surface override").set_surface_override_material(0, paint(NEW))
	(_node_of("color of the material").mesh.surface_get_material(0) as StandardMaterial3D).albedo_color = NEW
	_node_of("mesh").mesh = _box(NEW)
	for told: String in ["material override", "surface override", "color of the material", "mesh"]:
		_thing_of(told)["albedo"] = bytes(NEW)
	_node_of("label").add_to_group("worldplate_glass")
	_thing_of("label")["label"] = "glass"
	_node_of("layers").layers = 0b1000000
	_node_of("hidden").hide()
	_parent.hide()
	_node_of("removed").queue_free()
	for told: String in ["layers", "hidden", "parent hidden", "removed"]:
		show_thing(_thing_of(told), false)
	camera.cull_mask |= 0b1000
	show_thing(_thing_of("camera's cull mask"), true)
	_node_of("other parent").reparent(get_parent())
	_add("added")


func tear_down() -> void:
	super()
	_node_of("other parent").queue_free()


func _add(change: String) -> void:
	var at: int = _spots.size()
	var shown: MeshInstance3D = MeshInstance3D.new()
	shown.mesh = _box(OLD)
	shown.position = Vector3(-3.0 + 1.5 * (at % 5), 0.5 + 1.3 * (at / 5), -2.0)
	_spots[change] = shown
	_told[change] = thing(change, SIZE, {"albedo": bytes(OLD)})
	put(_told[change], shown.transform)
	if change != "parent hidden":
		add_child(shown)


func _box(color: Color) -> BoxMesh:
	var box: BoxMesh = BoxMesh.new()
	box.size = SIZE
	box.material = paint(color)
	return box


func _node_of(change: String) -> MeshInstance3D:
	return _spots[change]


func _thing_of(change: String) -> Dictionary:
	return _told[change]

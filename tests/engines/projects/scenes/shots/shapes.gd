extends "res://shot.gd"
## Geometry that is no plain mesh: skinned, with blend shapes, with two surfaces, many of a MultiMesh, CSG.

const SIZE: Vector3 = Vector3(0.9, 0.8, 0.7)
const RED: Color = Color8(200, 60, 30)
const GREEN: Color = Color8(10, 180, 60)
const BLUE: Color = Color8(30, 40, 220)

var _skeleton: Skeleton3D = Skeleton3D.new()
var _bent: MeshInstance3D = MeshInstance3D.new()
var _pair: MeshInstance3D = MeshInstance3D.new()
var _many: MultiMeshInstance3D = MultiMeshInstance3D.new()
var _carved: CSGCombiner3D = CSGCombiner3D.new()
var _by_name: Dictionary[String, Dictionary] = {}


func set_up() -> void:
	super()
	_add_skinned()
	_add_bent()
	_add_pair()
	_add_many()
	_add_carved()


func step(k: int) -> void:
	super(k)
	var where: Transform3D = sway(Vector3(-2.2, 1.0, -1.0), k)
	_skeleton.set_bone_pose_position(0, where.origin)
	_skeleton.set_bone_pose_rotation(0, where.basis.get_rotation_quaternion())
	put(_by_name["skinned"], where)
	_bent.set_blend_shape_value(0, 0.1 * k)
	_bent.transform = Transform3D(Basis.IDENTITY, Vector3(-0.6, 1.0, -1.5))
	put(_by_name["bent"], _bent.transform.translated(Vector3(0.3, 0.5, 0.2) * 0.1 * k))
	_pair.transform = sway(Vector3(0.9, 1.0, -1.0), k)
	put(_by_name["left"], _pair.transform.translated_local(Vector3(-0.4, 0.0, 0.0)))
	put(_by_name["right"], _pair.transform.translated_local(Vector3(0.4, 0.0, 0.0)))
	for i: int in 3:
		var one: Transform3D = sway(Vector3(-1.5 + 1.5 * i, 2.6, -3.0), k * (i + 1))
		_many.multimesh.set_instance_transform(i, one)
		put(_by_name["one of many %d" % i], one)
	_carved.transform = sway(Vector3(2.8, 1.0, -2.0), k)
	put(_by_name["carved"], _carved.transform.translated_local(Vector3(-0.5, 0.0, 0.0)))
	put(_by_name["joined"], _carved.transform.translated_local(Vector3(-0.5, 0.9, 0.0)))


func _tell(named: String, size: Vector3, color: Color, more: Dictionary) -> void:
	more.merge({"albedo": bytes(color), "roughness": 0.5, "metallic": 0.0})
	_by_name[named] = thing(named, size, more)


func _add_skinned() -> void:
	_skeleton.add_bone("bone")
	add_child(_skeleton)
	var arrays: Array = _box_arrays(SIZE)
	var count: int = (arrays[Mesh.ARRAY_VERTEX] as PackedVector3Array).size()
	var bones: PackedInt32Array = []
	var weights: PackedFloat32Array = []
	for i: int in count:
		bones.append_array([0, 0, 0, 0])
		weights.append_array([1.0, 0.0, 0.0, 0.0])
	arrays[Mesh.ARRAY_BONES] = bones
	arrays[Mesh.ARRAY_WEIGHTS] = weights
	var mesh: ArrayMesh = ArrayMesh.new()
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays)
	var skinned: MeshInstance3D = MeshInstance3D.new()
	skinned.mesh = mesh
	skinned.skin = _skeleton.create_skin_from_rest_transforms()
	skinned.material_override = paint(RED)
	skinned.add_to_group("worldplate_character")
	_skeleton.add_child(skinned)
	skinned.skeleton = NodePath("..")
	_tell("skinned", SIZE, RED, {"label": "character"})


func _add_bent() -> void:
	var arrays: Array = _box_arrays(SIZE)
	var moved: PackedVector3Array = []
	for vertex: Vector3 in arrays[Mesh.ARRAY_VERTEX]:
		moved.append(Vector3(0.3, 0.5, 0.2))
	var shape: Array = []
	shape.resize(Mesh.ARRAY_MAX)
	shape[Mesh.ARRAY_VERTEX] = moved
	shape[Mesh.ARRAY_NORMAL] = _zeros(moved.size())
	arrays[Mesh.ARRAY_TANGENT] = null
	arrays[Mesh.ARRAY_TEX_UV] = null
	var mesh: ArrayMesh = ArrayMesh.new()
	mesh.blend_shape_mode = Mesh.BLEND_SHAPE_MODE_RELATIVE
	mesh.add_blend_shape("along")
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays, [shape])
	_bent.mesh = mesh
	_bent.material_override = paint(GREEN)
	_bent.add_to_group("worldplate_plastic")
	add_child(_bent)
	_tell("bent", SIZE, GREEN, {"label": "plastic"})


func _add_pair() -> void:
	var mesh: ArrayMesh = ArrayMesh.new()
	for side: float in [-1.0, 1.0]:
		mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, _box_arrays(SIZE * 0.8, Vector3(0.4 * side, 0.0, 0.0)))
	mesh.surface_set_material(0, paint(BLUE))
	_pair.mesh = mesh
	_pair.set_surface_override_material(1, paint(GREEN, 0.5, 1.0))
	_pair.add_to_group("worldplate_metal")
	add_child(_pair)
	_tell("left", SIZE * 0.8, BLUE, {"label": "metal", "object": "pair"})
	_by_name["right"] = thing("right", SIZE * 0.8, {
		"albedo": bytes(GREEN), "roughness": 0.5, "metallic": 1.0, "label": "metal", "object": "pair"})


func _add_many() -> void:
	var box: BoxMesh = BoxMesh.new()
	box.size = SIZE
	var multimesh: MultiMesh = MultiMesh.new()
	multimesh.transform_format = MultiMesh.TRANSFORM_3D
	multimesh.use_colors = true
	multimesh.mesh = box
	multimesh.instance_count = 3
	_many.multimesh = multimesh
	var material: StandardMaterial3D = paint(Color.WHITE)
	material.vertex_color_use_as_albedo = true
	material.vertex_color_is_srgb = true
	_many.material_override = material
	_many.add_to_group("worldplate_stone")
	add_child(_many)
	for i: int in 3:
		var color: Color = [RED, GREEN, BLUE][i]
		multimesh.set_instance_color(i, color)
		_tell("one of many %d" % i, SIZE, color, {"label": "stone", "object": "many"})


## A box whose right half is cut away, and another on top of it.
func _add_carved() -> void:
	_carved.add_to_group("worldplate_wood")
	add_child(_carved)
	_add_csg(Vector3(2.0, 0.8, 0.8), Vector3.ZERO, RED, CSGShape3D.OPERATION_UNION)
	_add_csg(Vector3(1.0, 2.0, 2.0), Vector3(0.5, 0.0, 0.0), RED, CSGShape3D.OPERATION_SUBTRACTION)
	_add_csg(Vector3(0.6, 1.0, 0.6), Vector3(-0.5, 0.9, 0.0), BLUE, CSGShape3D.OPERATION_UNION)
	_tell("carved", Vector3(1.0, 0.8, 0.8), RED, {"label": "wood", "object": "carved"})
	_tell("joined", Vector3(0.6, 1.0, 0.6), BLUE, {"label": "wood", "object": "carved"})


func _add_csg(size: Vector3, place: Vector3, color: Color, operation: CSGShape3D.Operation) -> void:
	var box: CSGBox3D = CSGBox3D.new()
	box.size = size
	box.position = place
	box.material = paint(color)
	box.operation = operation
	_carved.add_child(box)


func _box_arrays(size: Vector3, place: Vector3 = Vector3.ZERO) -> Array:
	var box: BoxMesh = BoxMesh.new()
	box.size = size
	var arrays: Array = box.get_mesh_arrays()
	var vertices: PackedVector3Array = arrays[Mesh.ARRAY_VERTEX]
	for i: int in vertices.size():
		vertices[i] += place
	arrays[Mesh.ARRAY_VERTEX] = vertices
	return arrays


func _zeros(count: int) -> PackedVector3Array:
	var zeros: PackedVector3Array = []
	zeros.resize(count)
	return zeros

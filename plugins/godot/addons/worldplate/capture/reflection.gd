## One visible thing in the mirror: an instance of the same geometry, with a packing material for each surface.
@tool
extends RefCounted

const _Paints: GDScript = preload("res://addons/worldplate/capture/paints.gd")
const _Things: GDScript = preload("res://addons/worldplate/capture/things.gd")

const _OF_THE_TABLE: PackedStringArray = ["cull", "metallic"]  # What no parameter of the shader is.

var node: GeometryInstance3D
var instance: RID
var indices: PackedInt32Array = []  # Draw index of each surface.
var follows_shape: bool = false  # Whether its blend shapes are looked at every frame.

var _paints: _Paints
var _painted: Array[Material] = []  # The node's material of each surface.
var _materials: Array[RID] = []
var _seen: Array = []  # Geometry, layers and the like when it was last painted.
var _textures: Array[Texture2D] = []  # Kept while the materials use them.


func _init(of: GeometryInstance3D, scenario: RID, paints: _Paints) -> void:
	node = of
	_paints = paints
	instance = RenderingServer.instance_create()
	RenderingServer.instance_set_scenario(instance, scenario)


## Whether it does not look any more as it was painted. What its materials are like is not looked at: see paints.gd.
func has_changed() -> bool:
	return _seen != _look() or _painted != _active_materials()


func uses(material: Material) -> bool:
	return material in _painted


## How many draw indices [method paint] will take.
func surfaces() -> int:
	return _active_materials().size()


## [param draws]: a draw index for each surface. [param shaders]: by cull mode. Returns metallic of each surface.
func paint(draws: PackedInt32Array, shaders: Array[Shader]) -> PackedFloat32Array:
	var before: Array[Material] = _painted
	_free_materials()
	indices = draws
	_seen = _look()
	_painted = _active_materials()
	_set_geometry()
	var metallic: PackedFloat32Array = []
	for surface: int in _painted.size():
		var told: Dictionary = _paints.hold(_painted[surface])
		metallic.append(told["metallic"])
		_materials.append(_material(draws[surface], told, shaders))
		if node is MultiMeshInstance3D:
			RenderingServer.instance_geometry_set_material_override(instance, _materials[0])
		else:
			RenderingServer.instance_set_surface_override_material(instance, surface, _materials[surface])
	_drop(before)
	_follow_skin()
	show()
	return metallic


func show() -> void:
	var hidden: bool = node.cast_shadow == GeometryInstance3D.SHADOW_CASTING_SETTING_SHADOWS_ONLY or node.transparency > 0.0
	RenderingServer.instance_set_visible(instance, node.is_visible_in_tree() and not hidden)


func bend() -> void:
	var mesh: MeshInstance3D = node as MeshInstance3D
	for i: int in mesh.get_blend_shape_count():
		RenderingServer.instance_set_blend_shape_weight(instance, i, mesh.get_blend_shape_value(i))


func release() -> void:
	RenderingServer.free_rid(instance)
	_free_materials()
	_drop(_painted)
	_painted = []


func _look() -> Array:
	return [node.get_base(), node.layers, node.cast_shadow, node.transparency > 0.0, node.get_viewport().mesh_lod_threshold,
		node.lod_bias, _Things.label_of(node), _skeleton()]


func _set_geometry() -> void:
	RenderingServer.instance_set_base(instance, _seen[0])
	RenderingServer.instance_set_layer_mask(instance, _seen[1])
	# The mirror's viewport has a threshold of 1 pixel; only the ratio of threshold and bias counts.
	RenderingServer.instance_geometry_set_lod_bias(instance, node.lod_bias / maxf(_seen[4], 1e-6))
	RenderingServer.instance_geometry_set_visibility_range(instance, node.visibility_range_begin, node.visibility_range_end,
		node.visibility_range_begin_margin, node.visibility_range_end_margin, RenderingServer.VISIBILITY_RANGE_FADE_DISABLED)


func _drop(materials: Array[Material]) -> void:
	for material: Material in materials:
		_paints.drop(material)


func _free_materials() -> void:
	for material: RID in _materials:
		RenderingServer.free_rid(material)
	_materials.clear()
	_textures.clear()


func _material(draw: int, told: Dictionary, shaders: Array[Shader]) -> RID:
	var material: RID = RenderingServer.material_create()
	RenderingServer.material_set_shader(material, shaders[told["cull"]].get_rid())
	RenderingServer.material_set_param(material, &"draw_index", draw)
	for parameter: String in told:
		var value: Variant = told[parameter]
		if value is Texture2D:
			_textures.append(value)
			value = (value as Texture2D).get_rid()
		if value != null and not parameter in _OF_THE_TABLE:
			RenderingServer.material_set_param(material, parameter, value)
	return material


## The material that each surface is drawn with, in order; one for a MultiMesh.
func _active_materials() -> Array[Material]:
	var materials: Array[Material] = []
	var mesh: Mesh = _mesh()
	for surface: int in mesh.get_surface_count() if mesh != null else 0:
		if node.material_override != null:
			materials.append(node.material_override)
		elif node is MeshInstance3D:
			materials.append((node as MeshInstance3D).get_active_material(surface))
		else:
			materials.append(mesh.surface_get_material(surface))
	return materials.slice(0, 1) if node is MultiMeshInstance3D else materials


func _mesh() -> Mesh:
	if node is MeshInstance3D:
		return (node as MeshInstance3D).mesh
	if node is MultiMeshInstance3D:
		var multimesh: MultiMesh = (node as MultiMeshInstance3D).multimesh
		return multimesh.mesh if multimesh != null else null
	var csg: CSGShape3D = node as CSGShape3D
	if csg == null or not csg.is_root_shape():
		return null
	var meshes: Array = csg.get_meshes()
	return meshes[1] if meshes.size() > 1 else null


func _follow_skin() -> void:
	var mesh: MeshInstance3D = node as MeshInstance3D
	if mesh == null:
		return
	follows_shape = mesh.get_blend_shape_count() > 0
	RenderingServer.instance_attach_skeleton(instance, _skeleton())


func _skeleton() -> RID:
	var mesh: MeshInstance3D = node as MeshInstance3D
	var skin: SkinReference = mesh.get_skin_reference() if mesh != null else null
	return skin.get_skeleton() if skin != null else RID()

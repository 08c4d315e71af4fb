## The mirror of what a camera sees, painted with ids and base colours, in a world of its own.
##
## Godot has no base colour and no ids in its buffers. So each visible mesh has a twin in a scenario without lights or fog,
## that a viewport of the RenderingServer (no node: nothing is in the user's tree) draws with the same camera just before
## the camera's own viewport. Meshes, multimeshes and CSG shapes are followed, with skins and blend shapes; nodes are
## found by the tree's signals. A transform or another mesh is taken over in the same frame, another material within the
## next seconds. Transparent materials are left out, as in the depth. Main thread only; see also paint.gd.
@tool
extends RefCounted

const _Reflection: GDScript = preload("res://addons/worldplate/capture/reflection.gd")
const _Paints: GDScript = preload("res://addons/worldplate/capture/paints.gd")
const _Things: GDScript = preload("res://addons/worldplate/capture/things.gd")
const _Shader: Shader = preload("res://addons/worldplate/capture/mirror.gdshader")
const _ENTRY_BYTES: int = 16  # Of the table.
const _LOOKED_AT: int = 2  # Things in every other frame whose materials are looked at again; and in the editor:
const _LOOKED_AT_IN_EDITOR: int = 8

## Internal colour of the mirror's last picture, from the render thread.
var texture: RID:
	get:
		return _grab.color
## For each draw index: u32 object id, label, metallic as float32 bits, 0. Index 0 is what is not there. Another array after
## a change: arrays are shared, and the render thread still reads the one before.
var table: PackedByteArray = PackedByteArray()

var _things: _Things
var _paints: _Paints = _Paints.new()
var _grab: _Grab = _Grab.new()
var _viewport: RID
var _scenario: RID
var _camera: RID
var _environment: RID
var _compositor: RID
var _shaders: Array[Shader] = []  # By BaseMaterial3D.CullMode; the resource, which knows #include.
var _world: World3D
var _reflections: Array[_Reflection] = []
var _nodes: Array[GeometryInstance3D] = []  # Of _reflections.
var _follower: RefCounted = ClassDB.instantiate(&"WorldplateFollower")  # Puts _reflections where _nodes are.
var _bending: Array[_Reflection] = []  # Those of _reflections that have blend shapes.
var _fresh: Array[GeometryInstance3D] = []  # In the tree, not yet mirrored.
var _free: PackedInt32Array = []  # Draw indices given back.
var _draft: PackedByteArray = PackedByteArray()  # The next table.
var _drafted: bool = true
var _look: int = 0  # Counts frames.
var _next: int = 0  # Of _reflections, the one that was looked at last.
var _interpolated: bool = false
var _expected: Vector2i  # Internal size by the viewport's settings in the frame before.


## Takes the internal colour buffer of the viewport that it is drawn in.
class _Grab extends CompositorEffect:
	var color: RID

	func _init() -> void:
		effect_callback_type = EFFECT_CALLBACK_TYPE_POST_TRANSPARENT
		access_resolved_color = true

	func _render_callback(_type: int, data: RenderData) -> void:
		var buffers: RenderSceneBuffersRD = data.get_render_scene_buffers() as RenderSceneBuffersRD
		color = buffers.get_color_layer(0) if buffers != null else RID()


func _init(things: _Things) -> void:
	_things = things
	_draft.resize(_ENTRY_BYTES)


func open(camera: Camera3D) -> void:
	_world = camera.get_world_3d()
	_make_shaders()
	_scenario = RenderingServer.scenario_create()
	_environment = RenderingServer.environment_create()
	RenderingServer.environment_set_background(_environment, RenderingServer.ENV_BG_COLOR)
	RenderingServer.environment_set_bg_color(_environment, Color.BLACK)
	_compositor = RenderingServer.compositor_create()
	RenderingServer.compositor_set_compositor_effects(_compositor, [_grab.get_rid()])
	_camera = RenderingServer.camera_create()
	RenderingServer.camera_set_environment(_camera, _environment)
	RenderingServer.camera_set_compositor(_camera, _compositor)
	_viewport = RenderingServer.viewport_create()
	RenderingServer.viewport_set_scenario(_viewport, _scenario)
	RenderingServer.viewport_attach_camera(_viewport, _camera)
	RenderingServer.viewport_set_disable_2d(_viewport, true)
	RenderingServer.viewport_set_update_mode(_viewport, RenderingServer.VIEWPORT_UPDATE_ALWAYS)
	# Children are drawn before their parents.
	RenderingServer.viewport_set_parent_viewport(_viewport, camera.get_viewport().get_viewport_rid())
	RenderingServer.viewport_set_active(_viewport, true)
	for node: Node in camera.get_tree().root.find_children("*", "GeometryInstance3D", true, false):
		add(node)


func add(node: Node) -> void:
	if node is MeshInstance3D or node is MultiMeshInstance3D or node is CSGShape3D:
		_fresh.append(node as GeometryInstance3D)


func remove(node: Node) -> void:
	var geometry: GeometryInstance3D = node as GeometryInstance3D
	if geometry == null:
		return
	_fresh.erase(geometry)
	var at: int = _nodes.find(geometry)
	if at < 0:
		return
	geometry.visibility_changed.disconnect(_reflections[at].show)
	_free.append_array(_reflections[at].indices)
	_follower.call(&"remove", geometry.get_instance_id())
	_reflections[at].release()
	_bending.erase(_reflections[at])
	_reflections.remove_at(at)
	_nodes.remove_at(at)


## To be called every frame before anything is drawn. [param size]: internal size in the frame before.
func follow(camera: Camera3D, size: Vector2i) -> void:
	_interpolated = camera.get_tree().physics_interpolation
	_follow_camera(camera, size)
	for node: GeometryInstance3D in _fresh:
		_adopt(node)
	_fresh.clear()
	_look_again()
	for id: int in _follower.call(&"move", _interpolated):
		_paint(_reflections[_nodes.find(instance_from_id(id))])
	if _drafted:
		_drafted = false
		table = _draft.duplicate()


func close() -> void:
	for at: int in _nodes.size():
		_nodes[at].visibility_changed.disconnect(_reflections[at].show)
		_reflections[at].release()
	_reflections.clear()
	_bending.clear()
	_nodes.clear()
	_follower.call(&"clear")
	_fresh.clear()
	for owned: RID in [_viewport, _camera, _compositor, _environment, _scenario]:
		if owned.is_valid():
			RenderingServer.free_rid(owned)
	_shaders.clear()
	_viewport = RID()
	_grab.color = RID()


func _make_shaders() -> void:
	for cull: String in ["cull_back", "cull_front", "cull_disabled"]:
		var shader: Shader = Shader.new()
		shader.code = _Shader.code.replace("cull_back", cull)
		_shaders.append(shader)


func _adopt(node: GeometryInstance3D) -> void:
	if node.get_world_3d() != _world:
		return
	var reflection: _Reflection = _Reflection.new(node, _scenario, _paints)
	node.visibility_changed.connect(reflection.show)
	_reflections.append(reflection)
	_nodes.append(node)
	_follower.call(&"add", node.get_instance_id(), reflection.instance.get_id())
	_paint(reflection)


## Materials, and things that get others, do not tell: they are looked at in turn.
func _look_again() -> void:
	_look += 1
	if _look % 2 == 0:
		_look_at_material()
	elif not _reflections.is_empty():
		for i: int in _LOOKED_AT_IN_EDITOR if Engine.is_editor_hint() else _LOOKED_AT:
			_next = (_next + 1) % _reflections.size()
			if _reflections[_next].has_changed():
				_paint(_reflections[_next])
	for reflection: _Reflection in _bending:
		reflection.bend()


func _look_at_material() -> void:
	var changed: Material = _paints.look_again()
	if changed == null:
		return
	for reflection: _Reflection in _reflections:
		if reflection.uses(changed):
			_paint(reflection)


func _paint(reflection: _Reflection) -> void:
	_free.append_array(reflection.indices)
	var draws: PackedInt32Array = []
	for surface: int in reflection.surfaces():
		draws.append(_take_index())
	var metallic: PackedFloat32Array = reflection.paint(draws, _shaders)
	_bending.erase(reflection)
	if reflection.follows_shape:
		_bending.append(reflection)
	for surface: int in draws.size():
		var at: int = _ENTRY_BYTES * draws[surface]
		_draft.encode_u32(at, _things.id_of(reflection.node))
		_draft.encode_u32(at + 4, _Things.label_of(reflection.node))
		_draft.encode_float(at + 8, metallic[surface])
	_drafted = true


func _take_index() -> int:
	if not _free.is_empty():
		var index: int = _free[-1]
		_free.remove_at(_free.size() - 1)
		return index
	_draft.resize(_draft.size() + _ENTRY_BYTES)
	return _draft.size() / _ENTRY_BYTES - 1


## As the renderer will make it: what it was, unless the viewport's settings have changed. Products in 32 bits, as there.
func _internal_size(viewport: Viewport, size: Vector2i) -> Vector2i:
	var expected: Vector2i = Vector2i((viewport.get_texture().get_size() * viewport.scaling_3d_scale).max(Vector2.ONE))
	if expected == _expected:
		return size
	_expected = expected
	return expected


func _follow_camera(camera: Camera3D, size: Vector2i) -> void:
	var internal: Vector2i = _internal_size(camera.get_viewport(), size)
	RenderingServer.viewport_set_size(_viewport, internal.x, internal.y)
	var pose: Transform3D = camera.get_camera_transform()
	if _interpolated:
		pose = camera.get_global_transform_interpolated().orthonormalized()
	RenderingServer.camera_set_transform(_camera, pose)
	RenderingServer.camera_set_cull_mask(_camera, camera.cull_mask)
	RenderingServer.camera_set_use_vertical_aspect(_camera, camera.keep_aspect == Camera3D.KEEP_WIDTH)
	if camera.projection == Camera3D.PROJECTION_FRUSTUM:
		RenderingServer.camera_set_frustum(_camera, camera.size, camera.frustum_offset, camera.near, camera.far)
	else:
		RenderingServer.camera_set_perspective(_camera, camera.fov, camera.near, camera.far)

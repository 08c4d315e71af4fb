@tool
class_name WorldplateEffect
extends CompositorEffect
## Captures the planes of a camera's frames, hands them to the link, and lays the plates over the picture.
##
## One per camera. Forward+ gives all planes, Mobile colour and depth; Compatibility has no compositor effects. Without a
## [member link] it only captures, for [method request_pack]. [method release] must be called when it is no longer used.

const _Bodies: GDScript = preload("res://addons/worldplate/capture/bodies.gd")
const _Mirror: GDScript = preload("res://addons/worldplate/capture/mirror.gd")
const _Things: GDScript = preload("res://addons/worldplate/capture/things.gd")
const _View: GDScript = preload("res://addons/worldplate/capture/view.gd")
const _COMPOSITE: String = "res://addons/worldplate/composite/composite.gd"
const _MOBILE_SCALE: float = 2.0  # Mobile stores half of the light.
const _JUMP_M: float = 5.0  # Farther than a camera goes in one frame: a cut.
const _JUMP_RAD: float = PI / 2.0
const _CUT: int = 1
const _LOCKSTEP_MS: float = 1000.0 / 60.0
const _OFFLINE_MS: float = 60000.0
const _MOST_TIMES: int = 65536  # Nobody may ever ask.
const _SENT: int = 6  # Frames on their way at once, and that of the plate on the screen; the link has fewer slots.

## A WorldplateLink; null: capture only.
var link: RefCounted
## Of the planes; ZERO: the viewport's internal size.
var size: Vector2i = Vector2i.ZERO
## As the link was opened with. lockstep and offline wait here for the plate of the frame.
var sync: String = "freerun"
## As the link was opened with.
var delay_frames: int = 0
## The last link.present(); its plate is 0 when none was drawn.
var picture: Dictionary = {}

var _mutex: Mutex = Mutex.new()
var _capture: WorldplateCapture = WorldplateCapture.new()
var _composite: RefCounted
var _things: _Things = _Things.new()
var _mirror: _Mirror
var _bodies: _Bodies = _Bodies.new(_things)
var _camera: Camera3D
var _tree: SceneTree
var _scene: Dictionary = {}  # The main thread's part of the next frame: lens, bodies, table.
var _render_target: RID  # Of the viewport that is drawn with this effect.
var _internal: Vector2i
var _view: Dictionary = {}  # Of the frame before.
var _cut: bool = true
var _frame: int = 0  # Counts frames where no link gives ids.
var _wanted: Array[Callable] = []
var _plate_shown: int = 0
var _sent: PackedInt64Array = []  # Whose plates may come: their planes are needed then.
var _times_us: PackedInt32Array = []
var _spent_us: int = 0  # Since the last of _times_us.
var _refused: bool = false
var _environment: RID  # Lent to a world that has none: without one the engine gives no normals.
var _borrower: World3D


func _init() -> void:
	effect_callback_type = EFFECT_CALLBACK_TYPE_POST_TRANSPARENT
	access_resolved_color = true
	access_resolved_depth = true
	needs_normal_roughness = _forward_plus()
	needs_motion_vectors = _forward_plus()
	RenderingServer.frame_pre_draw.connect(_before_draw)


## The planes that can be given here, of [name, format].
func planes() -> Array:
	if not _forward_plus():
		return [["color", "rgba16f"], ["depth", "r32f"]]
	return WorldplateCapture.FORMATS.keys().map(
		func(plane: String) -> Array: return [plane, WorldplateCapture.FORMATS[plane]])


## Nothing from before the next frame is shown after it.
func cut() -> void:
	_cut = true


## Reads the next frame back once, whatever the renderer wants. [param callback] gets on the main thread: the pixels, their
## layout, their size, and the camera's 36 numbers; a callback that takes fewer gets the first of these.
func request_pack(callback: Callable) -> void:
	_mutex.lock()
	_wanted.append(callback)
	_mutex.unlock()


## Microseconds that the main and render threads spent in the add-on, one number for each frame since the last call.
func take_times() -> PackedInt32Array:
	var taken: PackedInt32Array = _times_us
	_times_us = []
	return taken


## What the stream itself takes of a frame.
func add_time(spent_us: int) -> void:
	_spent_us += spent_us


## Lets go of the scene and frees all that is on the GPU. The effect may be used again afterwards.
func release() -> void:
	link = null
	_forget_camera()
	if RenderingServer.frame_pre_draw.is_connected(_before_draw):
		RenderingServer.frame_pre_draw.disconnect(_before_draw)
	RenderingServer.call_on_render_thread(_release_gpu.bind(_capture, _composite))


static func _release_gpu(capture: WorldplateCapture, composite: RefCounted) -> void:
	capture.release()
	if composite != null:
		composite.call(&"release")


static func _forward_plus() -> bool:
	return RenderingServer.get_current_rendering_method() == "forward_plus"


## Main thread: hands the state of the scene over to the frame that is about to be drawn.
func _before_draw() -> void:
	var start_us: int = Time.get_ticks_usec()
	if _camera == null or not is_instance_valid(_camera) or not _camera.is_inside_tree() or not _is_ours(_camera):
		_forget_camera()
		_find_camera()
	if _camera == null:
		return
	if _mirror != null:
		_mirror.follow(_camera, _internal)
	var scene: Dictionary = {
		"lens": _View.lens_of(_camera), "bodies": _bodies.gather(_cut), "table": _mirror.table if _mirror != null else
		PackedByteArray(),
	}
	_mutex.lock()
	_scene = scene
	_mutex.unlock()
	add_time(Time.get_ticks_usec() - start_us)


func _is_ours(camera: Camera3D) -> bool:
	return camera.is_current() and RenderingServer.viewport_get_render_target(
		camera.get_viewport().get_viewport_rid()) == _render_target


## The camera is that of the viewport whose target the effect was last drawn for.
func _find_camera() -> void:
	var loop: SceneTree = Engine.get_main_loop() as SceneTree
	if loop == null or not _render_target.is_valid():
		return
	var viewports: Array[Node] = loop.root.find_children("*", "Viewport", true, false)
	viewports.append(loop.root)
	for node: Node in viewports:
		var camera: Camera3D = (node as Viewport).get_camera_3d()
		if camera != null and _is_ours(camera):
			_take_camera(camera)
			return


func _take_camera(camera: Camera3D) -> void:
	_camera = camera
	_tree = camera.get_tree()
	_cut = true
	_bodies.watch(camera.get_world_3d(), _tree.root)
	if _forward_plus():
		_mirror = _Mirror.new(_things)
		_mirror.open(camera)
	_lend_environment(camera.get_world_3d())
	_tree.node_added.connect(_on_node_added)
	_tree.node_removed.connect(_on_node_removed)


func _forget_camera() -> void:
	if _tree != null:
		_tree.node_added.disconnect(_on_node_added)
		_tree.node_removed.disconnect(_on_node_removed)
	_tree = null
	_camera = null
	if _mirror != null:
		_mirror.close()
	_mirror = null
	_take_environment_back()
	_mutex.lock()
	_scene = {}
	_mutex.unlock()


## Its defaults look as no environment does: the clear colour behind, and as ambient light. One that the user sets goes
## before it.
func _lend_environment(world: World3D) -> void:
	if world.fallback_environment == null:
		_borrower = world
		_environment = RenderingServer.environment_create()
		RenderingServer.scenario_set_fallback_environment(world.scenario, _environment)


func _take_environment_back() -> void:
	if _environment.is_valid():
		RenderingServer.scenario_set_fallback_environment(_borrower.scenario, RID())
		RenderingServer.free_rid(_environment)
	_environment = RID()
	_borrower = null


func _on_node_added(node: Node) -> void:
	if _mirror != null:
		_mirror.add(node)
	_bodies.add(node)


func _on_node_removed(node: Node) -> void:
	if _mirror != null:
		_mirror.remove(node)
	_bodies.remove(node)


func _render_callback(_type: int, data: RenderData) -> void:
	var start_us: int = Time.get_ticks_usec()
	var buffers: RenderSceneBuffersRD = data.get_render_scene_buffers() as RenderSceneBuffersRD
	if buffers == null:
		return
	_render_target = buffers.get_render_target()
	_internal = buffers.get_internal_size()
	_mutex.lock()
	var scene: Dictionary = _scene
	_scene = {}
	_mutex.unlock()
	if scene.is_empty() or _mirror != null and not _mirror.texture.is_valid():
		return  # The first frames: nobody knows yet whose camera this is.
	_capture_frame(buffers, data.get_render_scene_data(), scene)
	if _times_us.size() < _MOST_TIMES:
		_times_us.append(Time.get_ticks_usec() - start_us + _spent_us)
	_spent_us = 0


func _capture_frame(buffers: RenderSceneBuffersRD, data: RenderSceneData, scene: Dictionary) -> void:
	var lens: Dictionary = scene["lens"]
	if lens["orthogonal"]:
		_refuse("the camera is orthogonal; plates need a perspective or frustum camera.")
		_view = {}  # What comes after it has no frame before.
		return
	_configure(buffers)
	var pose: Transform3D = data.get_cam_transform()
	var reset: bool = _cut or _view.is_empty() or _has_jumped(pose)
	_cut = false
	var plane_size: Vector2i = _plane_size(buffers)
	_view = _View.of(pose, data.get_cam_projection(), lens, plane_size, {} if reset else _view)
	_view["color_scale"] = (1.0 if _forward_plus() else _MOBILE_SCALE) / float(lens["exposure"])
	var camera: PackedFloat64Array = _View.numbers(_view)
	var id: int = _begin(camera, scene["bodies"], reset)
	if id == 0:
		return
	_capture.mirror_texture = _mirror.texture if _mirror != null else RID()
	_capture.things = scene["table"]
	_capture.kept = _sent
	var buffer: RID = _capture.capture(buffers, _view, id)
	_read_back(buffer, id, camera)
	if link != null:
		_show(buffers, id)


## Planes of another size than before, or the first: all buffers anew.
func _configure(buffers: RenderSceneBuffersRD) -> void:
	if _capture.size() == _plane_size(buffers):
		return
	var rd: RenderingDevice = RenderingServer.get_rendering_device()
	_capture.configure(rd, _plane_size(buffers), planes(), _SENT + 2 + delay_frames)
	_sent.clear()
	_cut = true
	_plate_shown = 0
	if link != null and ResourceLoader.exists(_COMPOSITE):
		if _composite == null:
			_composite = (load(_COMPOSITE) as GDScript).new()
		_composite.call(&"configure", rd, _plane_size(buffers), _capture.layout())


func _plane_size(buffers: RenderSceneBuffersRD) -> Vector2i:
	return size if size != Vector2i.ZERO else buffers.get_internal_size()


func _has_jumped(pose: Transform3D) -> bool:
	var before: Transform3D = _view["pose"]
	var turn: Quaternion = (before.basis.inverse() * pose.basis).get_rotation_quaternion()
	return before.origin.distance_to(pose.origin) > _JUMP_M or absf(turn.get_angle()) > _JUMP_RAD


func _begin(camera: PackedFloat64Array, bodies: Dictionary, reset: bool) -> int:
	if link == null:
		_frame += 1
		return _frame
	return link.call(&"begin_frame", camera, bodies["ids"], bodies["labels"], bodies["poses"],
		bodies["poses"] if reset else bodies["previous_poses"], bodies["velocities"], bodies["contact_ids"],
		bodies["contact_points"], _CUT if reset else 0, link.call(&"now_ns"))


func _read_back(buffer: RID, id: int, camera: PackedFloat64Array) -> void:
	_mutex.lock()
	var wanted: Array[Callable] = _wanted
	_wanted = []
	_mutex.unlock()
	var rd: RenderingDevice = RenderingServer.get_rendering_device()
	var plane_size: Vector2i = size if size != Vector2i.ZERO else _internal
	if not wanted.is_empty():
		rd.buffer_get_data_async(buffer, _on_pack.bind(wanted, _capture.layout(), plane_size, camera))
	if link == null or not link.call(&"wants_pixels"):
		return
	_sent.append(id)
	if _sent.size() > _SENT:
		_sent.remove_at(0)
	if sync == "lockstep" or sync == "offline":
		link.call(&"submit", id, rd.buffer_get_data(buffer))
		link.call(&"wait", id, _LOCKSTEP_MS if sync == "lockstep" else _OFFLINE_MS)
	else:
		rd.buffer_get_data_async(buffer, _on_pixels.bind(id))


func _on_pixels(pixels: PackedByteArray, id: int) -> void:
	var start_us: int = Time.get_ticks_usec()
	if link != null:
		link.call(&"submit", id, pixels)
	add_time(Time.get_ticks_usec() - start_us)


func _on_pack(
	pixels: PackedByteArray, wanted: Array[Callable], layout: Dictionary, plane_size: Vector2i, camera: PackedFloat64Array
) -> void:
	for callback: Callable in wanted:
		if callback.is_valid():
			var told: Array = [pixels, layout, plane_size, camera]
			callback.callv.call_deferred(told.slice(0, callback.get_argument_count()))


func _show(buffers: RenderSceneBuffersRD, id: int) -> void:
	var shown: Dictionary = link.call(&"present")
	if shown["target"] == 0:
		shown = picture  # The last one stays: over the one that the engine has just drawn.
	if shown.get("plate", 0) != 0 and not _draw(buffers, id, shown):
		shown["plate"] = 0
		shown["disposition"] = "passthrough"
	picture = shown


## Lays the plate over the picture; false when there is nothing to lay it with.
func _draw(buffers: RenderSceneBuffersRD, id: int, shown: Dictionary) -> bool:
	var plate: int = shown["plate"]
	var target: int = shown["target"]
	if _composite == null or not _capture.buffer_of(target).is_valid() or not _send_plate(plate):
		return false
	var carry: PackedByteArray = link.call(&"reprojection", target, plate) if plate != target else PackedByteArray()
	_composite.set(&"color_scale", _view["color_scale"])
	return _composite.call(&"draw", buffers.get_color_layer(0), _capture.buffer_of(target), _capture.buffer_of(plate), carry,
		target != id, shown["strength"])


func _send_plate(plate: int) -> bool:
	if not _capture.buffer_of(plate).is_valid():
		return false
	if plate != _plate_shown:
		var pixels: PackedByteArray = link.call(&"plate_pixels")
		if pixels.is_empty():
			return false
		_composite.call(&"set_plate", plate, pixels)
		_plate_shown = plate
		while not _sent.is_empty() and _sent[0] < plate:
			_sent.remove_at(0)
	return true


func _refuse(why: String) -> void:
	if not _refused:
		_refused = true
		push_warning("Worldplate: ", why)

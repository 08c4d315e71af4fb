extends Node3D
## A stream on a small scene whose colours tell the frame: what is on the screen says which frame's pixels it is made of.
##
## Arguments: a method of this script, a folder for pictures, and the renderer's connection file ("" for no stream).

const Checks: GDScript = preload("res://checks.gd")
const SAVED: int = 12
const WARM_FRAMES: int = 20
const PLATES: int = 60
const PATIENCE_MS: int = 30000
const OWNED: int = 7  # The label metal.

var checks: Checks = Checks.new()
var camera: Camera3D = Camera3D.new()
var stream: WorldplateStream
var painted: StandardMaterial3D
var owned: StandardMaterial3D
var moved: MeshInstance3D
var time: int = 0  # What the scene is made of: nothing of it depends on the clock.
var folder: String
var connection: String


func _ready() -> void:
	var arguments: PackedStringArray = OS.get_cmdline_user_args()
	folder = arguments[1]
	connection = arguments[2]
	painted = _add_board(Vector3(-1.05, 0.0, -3.0), &"worldplate_wood")
	owned = _add_board(Vector3(1.05, 0.0, -3.0), &"worldplate_metal")
	_add_light_and_ball()
	camera.fov = 40.0
	add_child(camera)
	await call(arguments[0])
	if stream != null:
		stream.free()
	await get_tree().process_frame  # What was given to the render thread to be freed is freed.
	checks.finish(get_tree())


## Frames of a moving camera, with or without a model that gives colour back: the test compares the pictures.
func exact() -> void:
	if not connection.is_empty():
		_add_stream("offline")
		await _until(func() -> bool: return _picture().get("disposition", "") == "generated")
	else:
		for i: int in WARM_FRAMES:
			await RenderingServer.frame_post_draw
	for i: int in SAVED:
		_paint(i)
		camera.position = Vector3(0.05 * i, 0.02 * i, 0.03 * i)
		camera.rotation = Vector3(0.0, 0.02 * i, 0.0)
		moved.position.x = -1.0 + 0.2 * i
		await RenderingServer.frame_post_draw
		get_viewport().get_texture().get_image().save_png(folder.path_join("%d.png" % i))
		if stream != null:
			checks.equal("its own plate is shown in frame %d" % i, [_picture()["disposition"], _picture()["strength"]], ["generated", 1.0])
			checks.equal("of this frame", _picture()["plate"], _picture()["target"])
		else:
			checks.holds("a frame", true)


## What the engine owns is always of the frame itself; the rest is of the frame whose plate is said to be shown.
func owned_pixels() -> void:
	_add_stream("freerun")
	stream.engine_labels = 1 << OWNED
	var times: Dictionary[int, int] = {}  # By frame id.
	var older: int = 0
	var shown: int = 0
	var limit_ms: int = Time.get_ticks_msec() + PATIENCE_MS
	while shown < PLATES and Time.get_ticks_msec() < limit_ms:
		_paint(time + 1)
		await RenderingServer.frame_post_draw
		var picture: Dictionary = _picture()
		if picture.is_empty():
			continue
		times[picture["target"]] = time
		var image: Image = get_viewport().get_texture().get_image()
		_check_board(image, 1.05, time, "owned")
		if picture["plate"] == 0 or not times.has(picture["plate"]):
			continue
		shown += 1
		older += int(picture["plate"] != picture["target"])
		_check_board(image, -1.05, times[picture["plate"]], "painted")
		if shown == PLATES:
			image.save_png(folder.path_join("owned.png"))
	checks.equal("plates", shown, PLATES)
	checks.holds("some of them older than the frame", older > PLATES / 2, str(older))


## The renderer dies in the middle of it, and another one comes. Frames are counted from the one in which its process is
## gone; before, it may still answer. Prints its figures for benchmarks/godot_kill.py.
func killed() -> void:
	Engine.max_fps = 30
	_add_stream("freerun")
	await _until(_shows_plate)
	for i: int in WARM_FRAMES:
		await RenderingServer.frame_post_draw
	var pid: int = stream.report()["status"]["renderer_pid"]
	var times_ms: PackedFloat32Array = []  # The kill is in the middle of it.
	var last_us: int = Time.get_ticks_usec()
	var is_gone: bool = false
	var frames: int = 0
	for i: int in 2 * WARM_FRAMES:
		if i == WARM_FRAMES:
			OS.kill(pid)
		await RenderingServer.frame_post_draw
		times_ms.append((Time.get_ticks_usec() - last_us) / 1000.0)
		last_us = Time.get_ticks_usec()
		frames += int(is_gone and _shows_plate())
		is_gone = is_gone or _is_gone(pid)
	checks.holds("its process is gone", is_gone)
	checks.holds("the engine's own picture within two frames", frames <= 2 and not _shows_plate(), "%d frames" % frames)
	checks.equal("is so in the books", _picture()["disposition"], "passthrough")
	checks.holds("and it is told why", not str(_picture()["reason"]).is_empty())
	for i: int in WARM_FRAMES:
		_paint(time + 1)
		await RenderingServer.frame_post_draw
		_check_board(get_viewport().get_texture().get_image(), -1.05, time, "the engine's own")
	print("START")
	var start_us: int = Time.get_ticks_usec()
	await _until(_shows_plate)
	var back_ms: float = (Time.get_ticks_usec() - start_us) / 1000.0
	await _until(func() -> bool: return stream.report()["status"]["session_count"] >= 2)  # A busy machine may lose it once more
	print("KILLED ", JSON.stringify({"frames": frames, "times_ms": times_ms, "back_ms": back_ms}))


## Whether a process has ended, or waits for its parent to hear of it.
static func _is_gone(pid: int) -> bool:
	var file: FileAccess = FileAccess.open("/proc/%d/stat" % pid, FileAccess.READ)
	return file == null or file.get_line().get_slice(") ", 1).left(1) in ["Z", "X"]


## Play and stop, over and over.
func cycles() -> void:
	for i: int in 100:
		_add_stream("freerun")
		await _until(_shows_plate)
		stream.free()
		stream = null
		await get_tree().process_frame


## What happens to a game while it is played: another size, a cut, another camera, another scene, and pause.
func changes() -> void:
	_add_stream("freerun")
	await _until(_shows_plate)
	for size: Vector2i in [Vector2i(201, 119), Vector2i(160, 90)]:
		get_window().size = size
		await _until(func() -> bool: return stream.report()["size"] == size)
		await _until(_shows_plate)
	camera.position.z = 40.0
	await RenderingServer.frame_post_draw
	checks.equal("nothing from before a cut", _picture()["plate"], 0)
	camera.position.z = 0.0
	await _until(_shows_plate)
	var other: Camera3D = Camera3D.new()
	add_child(other)
	other.make_current()
	for i: int in WARM_FRAMES:
		await RenderingServer.frame_post_draw
	camera.make_current()
	other.free()
	await RenderingServer.frame_post_draw
	await _until(_shows_plate)
	get_tree().paused = true
	await _until(_shows_plate)
	get_tree().paused = false
	remove_child(camera)
	await RenderingServer.frame_post_draw
	add_child(camera)
	await _until(_shows_plate)


## A board that covers most of one half of the screen, in a colour of its own.
func _add_board(at: Vector3, group: StringName) -> StandardMaterial3D:
	var board: MeshInstance3D = MeshInstance3D.new()
	var mesh: QuadMesh = QuadMesh.new()
	mesh.size = Vector2(1.9, 1.8)
	board.mesh = mesh
	board.position = at
	board.add_to_group(group)
	var material: StandardMaterial3D = StandardMaterial3D.new()
	material.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	board.material_override = material
	add_child(board)
	return material


## Light and shade and what is brighter than white.
func _add_light_and_ball() -> void:
	var sun: DirectionalLight3D = DirectionalLight3D.new()
	sun.rotation = Vector3(-0.6, 0.4, 0.0)
	sun.light_energy = 3.0
	add_child(sun)
	moved = MeshInstance3D.new()
	var ball: SphereMesh = SphereMesh.new()
	ball.radius = 0.12
	ball.height = 0.24
	moved.mesh = ball
	moved.position = Vector3(0.0, 0.75, -2.5)
	moved.add_to_group(&"worldplate_plastic")
	add_child(moved)


func _add_stream(sync: String) -> void:
	stream = WorldplateStream.new()
	stream.sync = sync
	stream.connection_file = connection
	camera.add_child(stream)


func _paint(now: int) -> void:
	time = now
	painted.albedo_color = _code(now)
	owned.albedo_color = _code(now)


## Four levels between two frames that follow each other, for rounding.
static func _code(now: int) -> Color:
	return Color8(40 + 4 * (now % 50), 40 + 4 * (now / 50 % 50), 120)


func _check_board(image: Image, x: float, now: int, what: String) -> void:
	var middle: Vector2 = camera.unproject_position(Vector3(x, -0.1, -3.0))
	var wanted: Color = _code(now)
	var furthest: float = 0.0
	for dx: int in range(-20, 21, 5):
		for dy: int in range(-12, 13, 4):
			var seen: Color = image.get_pixel(int(middle.x) + dx, int(middle.y) + dy)
			furthest = maxf(furthest, maxf(absf(seen.r - wanted.r), maxf(absf(seen.g - wanted.g), absf(seen.b - wanted.b))))
	checks.holds("%s pixels are of frame %d" % [what, now], furthest * 255.0 < 1.5, "off by %.1f levels" % (furthest * 255.0))


func _picture() -> Dictionary:
	var effect: CompositorEffect = stream.get(&"_effect")
	return effect.get(&"picture") if effect != null else {}


func _shows_plate() -> bool:
	return _picture().get("plate", 0) > 0


func _until(condition: Callable) -> void:
	var limit_ms: int = Time.get_ticks_msec() + PATIENCE_MS
	while not condition.call() and Time.get_ticks_msec() < limit_ms:
		await RenderingServer.frame_post_draw
	checks.holds("%s in time" % condition, condition.call(), str(stream.report()["status"]))

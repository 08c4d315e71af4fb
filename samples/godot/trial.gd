## What the command line asks for: size and length of a run, a screenshot, a report, and the stream's settings. A run of
## `--frames` checks itself and says what it found.
extends Node

const _WARM_FRAMES: int = 20  # Shaders are compiled, and a renderer attaches; these frames do not count.
const CLEAR_M: float = 0.25  # Nothing solid comes nearer to the camera on its walk.

var start_m: float = 0.0
var no_stream: bool = false
var main: Node3D

var _frames: int = 0
var _size: Vector2i
var _screenshot: String
var _report: String
var _stream: Dictionary[StringName, String] = {}
var _unknown: PackedStringArray = []
var _rows: Array[Dictionary] = []
var _blocked: int = 0
var _starts: PackedVector3Array = []
var _before: int = 0  # Frames so far.
var _last_us: int = 0
var _probe: PhysicsShapeQueryParameters3D


func _init(arguments: PackedStringArray) -> void:
	name = "Trial"
	var i: int = 0
	while i < arguments.size():
		var value: String = arguments[i + 1] if i + 1 < arguments.size() else ""
		match arguments[i]:
			"--no-stream":
				no_stream = true
				i -= 1
			"--size":
				_size = Vector2i(int(value.get_slice("x", 0)), int(value.get_slice("x", 1)))
			"--frames":
				_frames = int(value)
			"--start":
				start_m = float(value)
			"--screenshot":
				_screenshot = value
			"--report":
				_report = value
			"--sync", "--late":
				_stream[StringName(arguments[i].trim_prefix("--"))] = value
			"--connection":
				_stream[&"connection_file"] = value
			_:
				_unknown.append(arguments[i])
		i += 2


func set_up(stream: Node) -> void:
	for setting: StringName in _stream:
		stream.set(setting, _stream[setting])


func _ready() -> void:
	if not _unknown.is_empty():
		printerr("Not an argument of this sample: ", " ".join(_unknown))
		get_tree().quit(2)
	if _size != Vector2i.ZERO:
		get_window().size = _size
	var sphere: SphereShape3D = SphereShape3D.new()
	sphere.radius = CLEAR_M
	_probe = PhysicsShapeQueryParameters3D.new()
	_probe.shape = sphere
	for body: RigidBody3D in main.bodies.all:
		_starts.append(body.position)


func _physics_process(_delta: float) -> void:
	if _frames > 0:
		_probe.transform = Transform3D(Basis.IDENTITY, main.camera.position)
		for hit: Dictionary in main.get_world_3d().direct_space_state.intersect_shape(_probe):
			_blocked += int(hit["collider"] is StaticBody3D)


func _process(_delta: float) -> void:
	if _frames == 0:
		return
	var now_us: int = Time.get_ticks_usec()
	_before += 1
	if _before == _WARM_FRAMES:
		print("TRIAL-BEGIN")
	if _before > _WARM_FRAMES:
		_rows.append(_row((now_us - _last_us) / 1000.0))
	_last_us = now_us
	if _rows.size() == _frames:
		set_process(false)
		_end()


## One frame, in milliseconds; what the stream showed in it is there when there is a stream.
func _row(frame_ms: float) -> Dictionary:
	var row: Dictionary = {"frame_ms": frame_ms, "walked_m": main.camera.walked_m}
	if main.stream != null:
		var picture: Dictionary = main.stream.get(&"picture")
		row["disposition"] = picture.get("disposition", "")
		row["age_ms"] = picture.get("age_ms", 0.0)
	return row


func _end() -> void:
	print("TRIAL-END")
	if not _screenshot.is_empty():
		await RenderingServer.frame_post_draw  # Without a display it never comes.
		get_viewport().get_texture().get_image().save_png(_screenshot)
	if not _report.is_empty():
		FileAccess.open(_report, FileAccess.WRITE).store_string(JSON.stringify({
			"frames": _rows, "added_us": main.stream.call(&"take_times") if main.stream != null else []}))
	var moved: int = 0
	var lost: int = 0
	for n: int in _starts.size():
		var body: RigidBody3D = main.bodies.all[n]
		moved += int(body.position.distance_to(_starts[n]) > 0.3)
		lost += int(body.position.y < -0.5 or absf(body.position.x) > 10.0 or absf(body.position.z) > 11.0)
	var times: Array = _rows.map(func(row: Dictionary) -> float: return row["frame_ms"])
	times.sort()
	print("%d frames, median %.1f ms, 95 %% %.1f ms; %d of %d bodies moved, %d lost; camera blocked in %d steps" % [
		times.size(), times[times.size() / 2], times[int(times.size() * 0.95)], moved, _starts.size(), lost, _blocked])
	var passed: int = int(moved > 0) + int(lost == 0) + int(_blocked == 0)
	print("WORLDPLATE-END %d %d" % [passed, 3 - passed])
	get_tree().quit(int(passed < 3))

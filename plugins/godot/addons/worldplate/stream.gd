@tool
@icon("res://addons/worldplate/icon.svg")
class_name WorldplateStream
extends Node
## Shows the plates of a world model over the picture of the [Camera3D] that it stands under.
##
## Add it as a child of a camera, run [code]worldplate serve[/code], and press Play. The engine keeps the geometry: the
## plate lies over its picture by matte and depth, and when no renderer is there, or it is late or dies, the engine's own
## picture is shown. Nothing here waits, unless [member sync] asks for it.[br][br]
## Things are told apart by groups: a node in the group [code]worldplate_wood[/code] is wood to the model, with all that
## is below it; README.md lists the groups.

## A renderer has taken this stream, or has changed over to another model; [param model] paints its plates.
signal attached(model: String)
## The renderer has left, or this stream has left it.
signal detached(reason: String)
## A picture with a plate is on the screen. [param age_ms]: from the oldest engine state in it to that moment.
signal plate_shown(age_ms: float)

## The names of the labels, by value. The groups of nodes are called [code]worldplate_<label>[/code].
const LABELS: PackedStringArray = [
	"unknown", "sky", "ground", "wall", "stone", "roof", "wood", "metal", "fabric", "foliage", "plastic", "water",
	"glass", "character", "vehicle", "light",
]
const GROUP: StringName = &"worldplate_streams"  ## The group of all streams in the tree.

const _EFFECT: String = "res://addons/worldplate/effect.gd"
const _Setup: GDScript = preload("res://addons/worldplate/setup.gd")
const _CameraEffects: GDScript = preload("res://addons/worldplate/camera_effects.gd")
const _Console: GDScript = preload("res://addons/worldplate/console.gd")
const _Reporter: GDScript = preload("res://addons/worldplate/dock/reporter.gd")
const _LOOK_S: float = 0.25  # Between two looks at the link's state and log.
const _RETRY_S: float = 1.0  # Between two attempts to start what could not start.

## Whether plates are asked for and shown.
@export var enabled: bool = true:
	set(value):
		enabled = value
		_restart()
## Work in the editor too: on the picture of the editor's own camera, and before transparent things, so that gizmos stay
## visible. The editor then draws all the time.
@export var preview_in_editor: bool = false:
	set(value):
		preview_in_editor = value
		_restart()

@export_group("Timing")
## When what is shown. [b]freerun[/b]: this frame, with the newest plate there is. [b]delayed[/b]: the frame of
## [member delay_frames] ago with its own plate. [b]lockstep[/b]: the engine waits for the plate of every frame, at most
## one frame's time. [b]offline[/b]: it waits as long as it takes, for films; the same seed gives the same pictures.
@export_enum("freerun", "delayed", "lockstep", "offline") var sync: String = "freerun":
	set(value):
		sync = value
		_restart()
## What is shown when a frame's own plate is not there. [b]reproject[/b]: the newest plate, carried to where camera and
## bodies are now. [b]fade[/b]: the same, fading into the engine's picture. [b]hold[/b]: the newest whole picture stays.
## [b]passthrough[/b]: the engine's own picture.
@export_enum("reproject", "fade", "hold", "passthrough") var late: String = "reproject":
	set(value):
		late = value
		_restart()
## How many frames [member sync] [b]delayed[/b] shows later.
@export_range(0, 8, 1, "suffix:frames") var delay_frames: int = 1:
	set(value):
		delay_frames = value
		_restart()

@export_group("Picture")
## Size of the planes and of the plate as part of the viewport's own. Smaller is faster; edges stay the engine's.
@export_range(0.1, 1.0, 0.05) var resolution_scale: float = 1.0
## Size of the planes and of the plate in pixels, whatever the viewport's is. 0 x 0: by [member resolution_scale].
@export var fixed_size: Vector2i = Vector2i.ZERO

@export_group("Model")
## Of the world: the same seed gives the same look.
@export_range(0, 4294967295) var world_seed: int = 0:
	set(value):
		world_seed = value
		_restart()
## Values of the model's controls by name, such as [code]prompt[/code]; the dock lists them. Others have their default.
@export var controls: Dictionary = {}:
	set(value):
		controls = value
		_send_controls()

@export_group("Engine-owned")
## Things with these labels keep the engine's own pixels.
@export_flags("Unknown:1", "Sky:2", "Ground:4", "Wall:8", "Stone:16", "Roof:32", "Wood:64", "Metal:128", "Fabric:256",
	"Foliage:512", "Plastic:1024", "Water:2048", "Glass:4096", "Character:8192", "Vehicle:16384", "Light:32768")
var engine_labels: int = 0:
	set(value):
		engine_labels = value
		_send_ownership()
## What is nearer keeps the engine's own pixels, such as hands and tools.
@export_range(0.0, 10.0, 0.01, "or_greater", "suffix:m") var plate_near: float = 0.0:
	set(value):
		plate_near = value
		_send_ownership()
## What is farther keeps the engine's own pixels. 0: nothing is too far.
@export_range(0.0, 1000.0, 0.1, "or_greater", "suffix:m") var plate_far: float = 0.0:
	set(value):
		plate_far = value
		_send_ownership()

@export_group("Connection")
## The renderer's connection file. Empty: the one that [code]worldplate serve[/code] writes for this user.
@export_global_file("*.json") var connection_file: String = "":
	set(value):
		connection_file = value
		_restart()

## Of the picture on the screen, as [code]WorldplateLink.present()[/code] gives it. Empty while none is shown.
var picture: Dictionary = {}

var _link: RefCounted  # A WorldplateLink; not typed, so that this script loads where the extension is missing.
var _effect: CompositorEffect  # A WorldplateEffect; as above.
var _effects: RefCounted = _CameraEffects.new()
var _reporter: RefCounted
var _editor_camera: Camera3D  # Lent by the editor plugin, in the editor only.
var _size: Vector2i
var _status: Dictionary = {}
var _trouble: String = ""  # Why nothing runs, and what to do about it.
var _blocked: bool = false  # Whether that is a fault, not what somebody has chosen.
var _warned: PackedStringArray = []
var _console: RefCounted = _Console.new()
var _model: String = ""  # Of the session that is attached; "" while none is.
var _session: int = 0  # Which one of the link's that is.
var _look_at_s: float = 0.0
var _retry_at_s: float = 0.0


func _init() -> void:
	process_mode = Node.PROCESS_MODE_ALWAYS  # A paused game is still looked at, and its viewport still resized.


func _enter_tree() -> void:
	add_to_group(GROUP)
	if not Engine.is_editor_hint() and EngineDebugger.is_active():
		_reporter = _Reporter.new(self)


func _exit_tree() -> void:
	_stop("the stream left the scene")
	if _reporter != null:
		_reporter.call(&"close")
		_reporter = null


func _process(_delta: float) -> void:
	var start_us: int = Time.get_ticks_usec()
	var now_s: float = start_us / 1e6
	if _link == null and now_s >= _retry_at_s:
		_retry_at_s = now_s + _RETRY_S
		_start()
	if _link != null:
		_tick()
	if now_s >= _look_at_s:
		_look_at_s = now_s + _LOOK_S
		_look()
	if _effect != null:
		_effect.call(&"add_time", Time.get_ticks_usec() - start_us)


## Changes a control of the model from the next frame on, and keeps it in [member controls]; "", or what is wrong.
func set_control(control: String, value: Variant) -> String:
	controls[control] = value
	return _link.call(&"set_control", control, value) if _link != null else ""


## The renderer forgets the world; the next frame is a cut.
func reset_world() -> String:
	return _link.call(&"reset_world") if _link != null else "The stream is not running: %s" % _trouble


## Names of the models that the renderer can change over to, and the one that serves; empty where it keeps its model.
func models() -> PackedStringArray:
	return _link.call(&"models") if _link != null else PackedStringArray()


## Has the renderer change over to another model, for every engine that it serves; frames go on with the old one until the
## new one is warm, which [signal attached] tells. "", or what is wrong. Why a model does not take over is in
## [code]model_change[/code] of [method report], and in the log.
func use_model(model: String) -> String:
	return _link.call(&"use_model", model) if _link != null else "The stream is not running: %s" % _trouble


## To be called when the view jumps: nothing from before is shown after it. Jumps of 5 m or a quarter turn are seen anyway.
func cut() -> void:
	if _effect != null:
		_effect.call(&"cut")


## In the editor: the camera to work on instead of the one above; null takes it back.
func lend_camera(camera: Camera3D) -> void:
	if camera != _editor_camera:
		_editor_camera = camera
		_restart()


## All there is to say about this stream, for the dock and for tests.
func report() -> Dictionary:
	return {
		"path": str(get_path()) if is_inside_tree() else str(name), "trouble": _trouble, "blocked": _blocked,
		"warnings": _get_configuration_warnings(), "status": _status, "size": _size, "picture": picture,
		"controls": _link.call(&"controls") if _link != null else [], "values": controls, "log": _console.get(&"lines"),
		"fps": Engine.get_frames_per_second(), "models": models(),
		"model_change": _link.call(&"model_change") if _link != null else {},
	}


## Reads the planes of the next frame back, whether or not the renderer wants them; [param callback] gets the pixels, their
## layout and their size. False when nothing runs.
func request_pack(callback: Callable) -> bool:
	if _effect == null:
		return false
	_effect.call(&"request_pack", callback)
	return true


## Microseconds that the engine's main and render threads spent in the add-on, one number for each frame since the last call.
func take_times() -> PackedInt32Array:
	return _effect.call(&"take_times") if _effect != null else PackedInt32Array()


## The plate that is on the screen: RGBA16F, straight alpha = matte, rows tight, of the planes' size. Empty: none.
func plate_pixels() -> PackedByteArray:
	return _link.call(&"plate_pixels") if picture.get("plate", 0) > 0 else PackedByteArray()


func _get_configuration_warnings() -> PackedStringArray:
	return _Setup.find_faults(self)


func _camera() -> Camera3D:
	return _editor_camera if Engine.is_editor_hint() else get_parent() as Camera3D


## What is wrong, with what to do about it; "" when nothing is.
func _find_trouble() -> String:
	var warnings: PackedStringArray = _get_configuration_warnings()
	if not warnings.is_empty():
		return warnings[0]
	return "" if _camera() != null else "Open a 3D view: there is no editor camera to work on."


func _start() -> void:
	var before: String = _trouble
	_trouble = _Setup.find_idleness(enabled, preview_in_editor)
	_blocked = _trouble.is_empty()
	if _blocked:
		_trouble = _find_trouble()
	if not _trouble.is_empty():
		if _blocked and _trouble != before and not Engine.is_editor_hint():
			_say(_trouble)  # Where there is no dock to say it.
		return
	var effect: CompositorEffect = (load(_EFFECT) as GDScript).new()
	var link: RefCounted = ClassDB.instantiate(&"WorldplateLink")
	_size = _wanted_size()
	_trouble = link.call(&"open", _settings(effect))
	if not _trouble.is_empty():
		_say("it cannot start: %s" % _trouble)
		return
	_link = link
	_effect = effect
	_set_up_effect()
	_send_controls()
	_send_ownership()
	_effects.call(&"attach", _camera(), _effect)


func _stop(reason: String) -> void:
	if _link == null:
		return
	_effects.call(&"detach")
	_effect.call(&"release")
	_link.call(&"close")
	_link = null
	_effect = null
	_status = {}
	picture = {}
	_leave(reason)


## Settings come several at a time, and before there is a tree: what runs is ended, and the next tick starts it anew.
func _restart() -> void:
	_stop("its settings changed")
	_retry_at_s = 0.0


func _tick() -> void:
	var size: Vector2i = _wanted_size()
	if not is_instance_valid(_camera()) or size == Vector2i.ZERO:
		_stop("the camera is gone")
		return
	if size != _size:
		_size = size
		_link.call(&"resize", size.x, size.y)
		_effect.set(&"size", size)
	var shown: Dictionary = _effect.get(&"picture")
	if shown.get("target", 0) == picture.get("target", 0):
		return
	picture = shown
	if picture.get("plate", 0) > 0:
		plate_shown.emit(picture["age_ms"])


func _look() -> void:
	if _link != null:
		_status = _link.call(&"status")
		_effects.call(&"refresh")
		_console.call(&"read", _link)
		_follow_session()
	if _reporter != null:
		_reporter.call(&"tick")
	var warnings: PackedStringArray = _get_configuration_warnings()
	if warnings != _warned:
		_warned = warnings
		update_configuration_warnings()


func _follow_session() -> void:
	var model: String = _status["model"] if _status["state"] in ["attached", "stalled"] else ""
	if model == _model:
		return
	if model.is_empty() or _status["session_count"] != _session:
		_leave(_status["error_text"] if not _status["error_text"].is_empty() else "the renderer is gone")
	_session = _status["session_count"]
	if not model.is_empty():
		_say("%s %s on %s" % ["attached to" if _model.is_empty() else "changed over to", model, _status["runtime"]])
		_model = model
		attached.emit(model)


func _leave(reason: String) -> void:
	if _model.is_empty():
		return
	_model = ""
	_say("detached: %s" % reason)
	detached.emit(reason)


func _say(text: String) -> void:
	_console.call(&"say", text)


func _send_controls() -> void:
	if _link == null:
		return
	for control: String in controls:
		var wrong: String = _link.call(&"set_control", control, controls[control])
		if not wrong.is_empty():
			_say("control %s: %s" % [control, wrong])


func _send_ownership() -> void:
	if _link == null:
		return
	var labels: PackedByteArray = []
	for label: int in LABELS.size():
		if engine_labels & (1 << label):
			labels.append(label)
	_link.call(&"set_engine_labels", labels)
	_link.call(&"set_plate_range", plate_near, plate_far if plate_far > 0.0 else INF)


## Of the planes; ZERO while there is nothing to look at.
func _wanted_size() -> Vector2i:
	if fixed_size.x > 0 and fixed_size.y > 0:
		return fixed_size
	var camera: Camera3D = _camera()
	if not is_instance_valid(camera) or camera.get_viewport() == null:
		return Vector2i.ZERO
	var viewport: Viewport = camera.get_viewport()
	var size: Vector2 = viewport.get_texture().get_size() * viewport.scaling_3d_scale * resolution_scale
	return Vector2i(size.round()).max(Vector2i.ONE)


func _settings(effect: CompositorEffect) -> Dictionary:
	var version: Dictionary = Engine.get_version_info()
	return {
		"width": _size.x, "height": _size.y, "planes": effect.call(&"planes"), "late": late, "seed": world_seed,
		"sync": _sync(), "delay_frames": delay_frames, "connection_file": connection_file,
		"name": "Worldplate for Godot", "engine": "Godot %s" % version["string"],
	}


func _sync() -> String:
	return "freerun" if Engine.is_editor_hint() else sync  # An editor is never made to wait.


func _set_up_effect() -> void:
	_effect.set(&"link", _link)
	_effect.set(&"size", _size)
	_effect.set(&"sync", _sync())
	_effect.set(&"delay_frames", delay_frames if _sync() == "delayed" else 0)
	if Engine.is_editor_hint():
		_effect.effect_callback_type = CompositorEffect.EFFECT_CALLBACK_TYPE_PRE_TRANSPARENT

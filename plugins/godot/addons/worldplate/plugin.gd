@tool
extends EditorPlugin
## The editor's side of the add-on: the dock, the reports of running games, and the editor's camera for previews.

const _Dock: GDScript = preload("res://addons/worldplate/dock/dock.gd")
const _Sources: GDScript = preload("res://addons/worldplate/dock/sources.gd")
const _RendererProcess: GDScript = preload("res://addons/worldplate/dock/renderer_process.gd")
const _LOOK_S: float = 0.5

var _dock: Control
var _sources: EditorDebuggerPlugin
var _look_at_s: float = 0.0


func _enter_tree() -> void:
	_RendererProcess.call(&"declare_setting")
	_sources = _Sources.new()
	add_debugger_plugin(_sources)
	_dock = _Dock.new()
	_dock.call(&"set_up", _sources)
	add_control_to_dock(DOCK_SLOT_RIGHT_UL, _dock)


func _exit_tree() -> void:
	_lend_camera(null)
	_dock.call(&"close")
	remove_control_from_docks(_dock)
	_dock.queue_free()
	remove_debugger_plugin(_sources)


func _process(_delta: float) -> void:
	var now_s: float = Time.get_ticks_usec() / 1e6
	if now_s >= _look_at_s:
		_look_at_s = now_s + _LOOK_S
		_lend_camera(EditorInterface.get_editor_viewport_3d(0).get_camera_3d())


## Only one stream can work on the editor's view: the first of the open scene that wants to.
func _lend_camera(camera: Camera3D) -> void:
	for stream: Node in _sources.call(&"editor_streams"):
		var wants: bool = camera != null and stream.get(&"preview_in_editor")
		stream.call(&"lend_camera", camera if wants else null)
		if wants:
			camera = null

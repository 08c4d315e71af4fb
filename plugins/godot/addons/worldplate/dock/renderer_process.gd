## `worldplate serve`, started from the editor: where it is, what it says, and how it ended. Nothing here waits.
@tool
extends RefCounted

## The editor setting with the command's path; empty: it is looked for on PATH.
const SETTING: String = "worldplate/renderer/command"

const _READ_BYTES: int = 4096
const _LINES: int = 30

## What it wrote last, newest last.
var lines: PackedStringArray = []
## How it ended, when it has; "" while it runs or was never started.
var end: String = ""

var _pid: int = 0
var _pipes: Array[FileAccess] = []
var _rest: String = ""


## Makes the setting known, so that it can be found in Editor Settings.
static func declare_setting() -> void:
	var settings: EditorSettings = EditorInterface.get_editor_settings()
	if not settings.has_setting(SETTING):
		settings.set_setting(SETTING, "")
	settings.set_initial_value(SETTING, "", false)
	settings.add_property_info({"name": SETTING, "type": TYPE_STRING, "hint": PROPERTY_HINT_GLOBAL_FILE})


## The command's path; "" when there is none.
static func find() -> String:
	var chosen: String = EditorInterface.get_editor_settings().get_setting(SETTING)
	if not chosen.is_empty():
		return chosen if FileAccess.file_exists(chosen) else ""
	var windows: bool = OS.get_name() == "Windows"
	for folder: String in OS.get_environment("PATH").split(";" if windows else ":", false):
		var path: String = folder.path_join("worldplate.exe" if windows else "worldplate")
		if FileAccess.file_exists(path):
			return path
	return ""


## What to do when it was not found.
static func advice() -> String:
	var chosen: String = EditorInterface.get_editor_settings().get_setting(SETTING)
	if not chosen.is_empty():
		return "%s does not exist: correct Editor Settings > Worldplate > Renderer > Command." % chosen
	return ("`worldplate` is not on PATH: run `worldplate serve` in a terminal where it is installed, or set its path in "
		+ "Editor Settings > Worldplate > Renderer > Command.")


func running() -> bool:
	return _pid > 0


## Starts it. Returns what is wrong, or "".
func start() -> String:
	var command: String = find()
	if command.is_empty():
		return advice()
	var started: Dictionary = OS.execute_with_pipe(command, ["serve"], false)
	if started.is_empty():
		return "%s cannot be started: is it a program of this machine?" % command
	_pid = started["pid"]
	_pipes.assign([started["stdio"], started["stderr"]])
	lines = []
	end = ""
	return ""


## To be called a few times a second: reads what it wrote, and sees whether it has ended.
func poll() -> void:
	if _pid == 0:
		return
	for pipe: FileAccess in _pipes:
		_take(pipe.get_buffer(_READ_BYTES).get_string_from_utf8())
	if OS.is_process_running(_pid):
		return
	var code: int = OS.get_process_exit_code(_pid)
	end = "The renderer has ended (exit code %d). %s" % [code, lines[-1] if not lines.is_empty() else ""]
	_forget()


## Asks it to end: it says goodbye to its engines and removes its files.
func stop() -> void:
	if _pid == 0:
		return
	if OS.get_name() == "Windows":
		OS.kill(_pid)
	else:
		OS.create_process("kill", ["-TERM", str(_pid)])
	end = "The renderer was stopped."
	_forget()


func _forget() -> void:
	_pid = 0
	_pipes.clear()


func _take(text: String) -> void:
	var parts: PackedStringArray = (_rest + text).split("\n")
	_rest = parts[-1]
	for line: String in parts.slice(0, -1):
		lines.append(line.strip_edges())
	lines = lines.slice(maxi(0, lines.size() - _LINES))

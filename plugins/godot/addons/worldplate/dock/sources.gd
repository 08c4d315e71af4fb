## The streams that the dock can show: those of running games, which report over the debugger, and the editor's own.
@tool
extends EditorDebuggerPlugin

## A stream came, went, or has something new to say.
signal changed
## Small pictures of a stream's planes have come.
signal thumbnails_arrived(key: String, thumbnails: Array[Dictionary])

const _Reporter: GDScript = preload("res://addons/worldplate/dock/reporter.gd")
const _Thumbnails: GDScript = preload("res://addons/worldplate/dock/thumbnails.gd")
const _SILENT_MS: int = 3500  # A game that says nothing for so long (a breakpoint, a crash) is shown as such.
const EDITOR: String = "editor:"

var _games: Dictionary[String, Dictionary] = {}  # key -> {session, path, report, at_ms}


func _has_capture(capture: String) -> bool:
	return capture == _Reporter.CAPTURE


func _setup_session(session_id: int) -> void:
	get_session(session_id).stopped.connect(_forget_session.bind(session_id))


func _capture(message: String, data: Array, session_id: int) -> bool:
	var key: String = "game %d:%s" % [session_id, data[0]]
	match message:
		_Reporter.REPORT:
			_games[key] = {"session": session_id, "path": data[0], "report": data[1], "at_ms": Time.get_ticks_msec()}
			changed.emit()
		_Reporter.GONE:
			_games.erase(key)
			changed.emit()
		_Reporter.THUMBNAILS:
			thumbnails_arrived.emit(key, _pictures(data[1]))
		_:
			return false
	return true


## Keys of all streams, games first.
func keys() -> PackedStringArray:
	var all: PackedStringArray = PackedStringArray(_games.keys())
	for stream: Node in editor_streams():
		all.append(EDITOR + str(stream.get_path()))
	return all


## What a person calls a stream.
func title(key: String) -> String:
	var path: NodePath = NodePath(key.get_slice(":", 1))
	var parent: String = path.get_name(path.get_name_count() - 2) if path.get_name_count() > 1 else ""
	return "%s: %s" % ["Editor" if is_editor(key) else "Game", parent]


func is_editor(key: String) -> bool:
	return key.begins_with(EDITOR)


## What the stream last said of itself; empty when there is none of this key.
func report(key: String) -> Dictionary:
	if is_editor(key):
		var stream: Node = editor_stream(key)
		return stream.call(&"report") if stream != null else {}
	if not _games.has(key):
		return {}
	var told: Dictionary = _games[key]["report"]
	if Time.get_ticks_msec() - int(_games[key]["at_ms"]) > _SILENT_MS:
		told = told.merged({"trouble": "The game says nothing: it is paused at a breakpoint, or hangs.", "blocked": true}, true)
	return told


func set_control(key: String, control: String, value: Variant) -> void:
	if is_editor(key):
		_keep_control(editor_stream(key), control, value)
	else:
		_tell(key, _Reporter.CONTROL, [control, value])


func use_model(key: String, model: String) -> void:
	if is_editor(key):
		editor_stream(key).call(&"use_model", model)
	else:
		_tell(key, _Reporter.MODEL, [model])


func reset_world(key: String) -> void:
	if is_editor(key):
		editor_stream(key).call(&"reset_world")
	else:
		_tell(key, _Reporter.RESET, [])


func request_thumbnails(key: String) -> void:
	if is_editor(key):
		var send: Callable = func(thumbnails: Array[Dictionary]) -> void: thumbnails_arrived.emit(key, thumbnails)
		_Thumbnails.call(&"of_stream", editor_stream(key), send)
	else:
		_tell(key, _Reporter.THUMBNAILS, [])


## Those of the scene that is open in the editor.
func editor_streams() -> Array[Node]:
	var root: Node = EditorInterface.get_edited_scene_root()
	var streams: Array[Node] = []
	if root != null:
		for node: Node in root.get_tree().get_nodes_in_group(WorldplateStream.GROUP):
			if root.is_ancestor_of(node):
				streams.append(node)
	return streams


func editor_stream(key: String) -> Node:
	for stream: Node in editor_streams():
		if key == EDITOR + str(stream.get_path()):
			return stream
	return null


## A control of the open scene's stream is part of the scene: it can be undone and saved.
func _keep_control(stream: Node, control: String, value: Variant) -> void:
	if stream == null:
		return
	var before: Dictionary = (stream.get(&"controls") as Dictionary).duplicate()
	var after: Dictionary = before.merged({control: value}, true)
	var undo: EditorUndoRedoManager = EditorInterface.get_editor_undo_redo()
	undo.create_action("Worldplate: %s" % control, UndoRedo.MERGE_ENDS, stream)
	undo.add_do_property(stream, &"controls", after)
	undo.add_undo_property(stream, &"controls", before)
	undo.commit_action()


func _tell(key: String, message: String, data: Array) -> void:
	if _games.has(key):
		get_session(_games[key]["session"]).send_message(message, [_games[key]["path"]] + data)


func _forget_session(session_id: int) -> void:
	for key: String in _games.keys():
		if _games[key]["session"] == session_id:
			_games.erase(key)
	changed.emit()


## Images cannot travel between processes; their contents can.
func _pictures(plain: Array) -> Array[Dictionary]:
	var thumbnails: Array[Dictionary] = []
	for each: Dictionary in plain:
		var image: Image = Image.create_from_data(each["width"], each["height"], false, each["format"], each["pixels"])
		thumbnails.append({"name": each["name"], "image": image})
	return thumbnails

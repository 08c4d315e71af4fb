## In a running game: tells the editor's dock how a stream is doing once a second, and does what the dock asks for.
##
## Game and editor are two processes; what is said goes over the engine's own debugger connection, so that a game which
## the editor did not start says nothing.
extends RefCounted

const CAPTURE: StringName = &"worldplate"
const REPORT: String = "worldplate:report"  # To the editor: [path of the stream, report]
const GONE: String = "worldplate:gone"  # To the editor: [path]
const THUMBNAILS: String = "worldplate:thumbnails"  # Both ways: [path], and [path, thumbnails] back
const CONTROL: String = "worldplate:control"  # To the game: [path, name, value]
const MODEL: String = "worldplate:model"  # To the game: [path, name]; answered by a report at once
const RESET: String = "worldplate:reset"  # To the game: [path]

const _Thumbnails: GDScript = preload("res://addons/worldplate/dock/thumbnails.gd")
const _EVERY_MS: int = 1000

static var _count: int = 0

var _stream: Node
var _path: String
var _next_ms: int = 0


func _init(stream: Node) -> void:
	_stream = stream
	_path = str(stream.get_path())
	_count += 1
	if _count == 1:
		EngineDebugger.register_message_capture(CAPTURE, _on_message)


## The stream leaves the tree.
func close() -> void:
	EngineDebugger.send_message(GONE, [_path])
	_count -= 1
	if _count == 0:
		EngineDebugger.unregister_message_capture(CAPTURE)


func tick() -> void:
	if Time.get_ticks_msec() >= _next_ms:
		_next_ms = Time.get_ticks_msec() + _EVERY_MS
		EngineDebugger.send_message(REPORT, [_path, _stream.call(&"report")])


## For every stream of the game, and so without a state of its own.
static func _on_message(message: String, data: Array) -> bool:
	var tree: SceneTree = Engine.get_main_loop()
	var stream: Node = tree.root.get_node_or_null(NodePath(str(data[0])))
	if stream == null:
		return true
	match "%s:%s" % [CAPTURE, message]:
		CONTROL:
			stream.call(&"set_control", data[1], data[2])
		MODEL:
			stream.call(&"use_model", data[1])
			EngineDebugger.send_message(REPORT, [data[0], stream.call(&"report")])
		RESET:
			stream.call(&"reset_world")
		THUMBNAILS:
			_Thumbnails.call(&"of_stream", stream, _send_thumbnails.bind(data[0]))
		_:
			return false
	return true


static func _send_thumbnails(thumbnails: Array[Dictionary], path: String) -> void:
	var plain: Array[Dictionary] = []
	for thumbnail: Dictionary in thumbnails:
		var image: Image = thumbnail["image"]
		plain.append({
			"name": thumbnail["name"], "width": image.get_width(), "height": image.get_height(),
			"format": image.get_format(), "pixels": image.get_data(),
		})
	EngineDebugger.send_message(THUMBNAILS, [path, plain])

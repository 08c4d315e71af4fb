extends SceneTree
## What a stream tells its listeners when its link has another model, another session, or none.

const Checks: GDScript = preload("res://checks.gd")
const Stream: GDScript = preload("res://addons/worldplate/stream.gd")

## State, model and session of the link -> what is told.
const STEPS: Array[Array] = [
	["searching", "", 0, []],
	["attached", "limn", 1, ["attached limn"]],
	["stalled", "limn", 1, []],
	["attached", "passthrough", 1, ["attached passthrough"]],
	["attached", "limn", 2, ["detached", "attached limn"]],
	["searching", "limn", 2, ["detached"]],
	["attached", "limn", 3, ["attached limn"]],
]


func _initialize() -> void:
	var checks: Checks = Checks.new()
	var stream: Node = Stream.new()
	var told: Array = []
	stream.connect(&"attached", func(model: String) -> void: told.append("attached %s" % model))
	stream.connect(&"detached", func(_reason: String) -> void: told.append("detached"))
	for step: Array in STEPS:
		told.clear()
		var status: Dictionary = {"state": step[0], "model": step[1], "session_count": step[2], "runtime": "", "error_text": ""}
		stream.set(&"_status", status)
		stream.call(&"_follow_session")
		checks.equal("%s, %s in session %d" % step.slice(0, 3), told, step[3])
	stream.free()
	checks.finish(self)

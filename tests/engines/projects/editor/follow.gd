extends SceneTree
## What a stream tells its listeners when its link has another model, another session, or none, and what the dock's list
## of models shows.

const Checks: GDScript = preload("res://checks.gd")
const Models: GDScript = preload("res://addons/worldplate/dock/models.gd")
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
	_check_list(checks)
	checks.finish(self)


## The list, which model it shows, whether one can be chosen, what is said, and what a choice asks for.
func _check_list(checks: Checks) -> void:
	var list: VBoxContainer = Models.new()
	var chosen: Array = []
	list.connect(&"chosen", func(model: String) -> void: chosen.append(model))
	var choice: OptionButton = list.get_child(0)
	var words: Label = list.get_child(1)
	var report: Dictionary = {
		"models": PackedStringArray(), "status": {"state": "attached", "model": "limn"}, "model_change": {"progress": "unasked"}}
	list.call(&"show_report", report)
	checks.equal("a renderer that keeps its model has no list", list.visible, false)
	report["models"] = PackedStringArray(["passthrough", "limn"])
	list.call(&"show_report", report)
	checks.equal("the model that serves", [list.visible, choice.selected, choice.disabled, words.visible], [true, 1, false, false])
	choice.item_selected.emit(0)
	checks.equal("a choice asks for the model", chosen, ["passthrough"])
	report["model_change"] = {"progress": "loading", "name": "passthrough"}
	list.call(&"show_report", report)
	checks.equal("a model that is loading", [choice.selected, choice.disabled, words.text], [
		0, true, "Loading passthrough; limn makes the plates until it is ready."])
	report["model_change"] = {
		"progress": "refused", "name": "passthrough", "error_text": "the disk ate it", "error_fix": "Feed it."}
	list.call(&"show_report", report)
	checks.equal("a model that is refused", [choice.selected, choice.disabled, words.text], [
		1, false, "passthrough does not take over: the disk ate it. Feed it."])
	report["status"] = {"state": "searching", "model": "limn"}
	list.call(&"show_report", report)
	checks.equal("without a renderer none is chosen", choice.disabled, true)
	list.free()

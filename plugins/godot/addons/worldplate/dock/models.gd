## The models that the renderer has: the one that serves, another to change over to, and how far that is.
@tool
extends VBoxContainer

## A person has chosen a model.
signal chosen(model: String)

var _choice: OptionButton = OptionButton.new()
var _words: Label = Label.new()
var _models: PackedStringArray = []


func _init() -> void:
	_choice.fit_to_longest_item = false
	_choice.tooltip_text = "The model that makes the plates, for every engine of this renderer"
	_choice.item_selected.connect(func(index: int) -> void: chosen.emit(_models[index]))
	_words.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_words.custom_minimum_size.x = 200.0
	add_child(_choice)
	add_child(_words)


## Shows a report of [method WorldplateStream.report]; nothing where the renderer keeps its model.
func show_report(report: Dictionary) -> void:
	var models: PackedStringArray = report.get("models", PackedStringArray())
	var status: Dictionary = report.get("status", {})
	var change: Dictionary = report.get("model_change", {})
	var is_loading: bool = change.get("progress", "") == "loading"
	visible = not models.is_empty()
	if models != _models:
		_list(models)
	_choice.disabled = is_loading or status.get("state", "") != "attached"
	_choice.select(models.find(change["name"] if is_loading else status.get("model", "")))
	_words.text = _word(change, status.get("model", ""))
	_words.visible = not _words.text.is_empty()
	_words.modulate = Color.WHITE if is_loading else Color.SALMON


func _list(models: PackedStringArray) -> void:
	_models = models.duplicate()
	_choice.clear()
	for model: String in models:
		_choice.add_item(model)


## What became of the model that was asked for last; "" when there is nothing to say.
func _word(change: Dictionary, serving: String) -> String:
	match change.get("progress", ""):
		"loading":
			return "Loading %s; %s makes the plates until it is ready." % [change["name"], serving]
		"refused":
			return "%s does not take over: %s. %s" % [change["name"], change["error_text"], change["error_fix"]]
	return ""

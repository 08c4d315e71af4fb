## The Worldplate dock: how the link is and what to do about it, the model's controls, its planes and its figures.
@tool
extends ScrollContainer

const _Sources: GDScript = preload("res://addons/worldplate/dock/sources.gd")
const _StateWords: GDScript = preload("res://addons/worldplate/dock/state_words.gd")
const _Models: GDScript = preload("res://addons/worldplate/dock/models.gd")
const _Controls: GDScript = preload("res://addons/worldplate/dock/controls.gd")
const _Planes: GDScript = preload("res://addons/worldplate/dock/planes.gd")
const _Figures: GDScript = preload("res://addons/worldplate/dock/figures.gd")
const _RendererProcess: GDScript = preload("res://addons/worldplate/dock/renderer_process.gd")
const _SelfTest: GDScript = preload("res://addons/worldplate/dock/self_test.gd")
const _LOOK_S: float = 0.25
const _VERDICT_HEIGHT: float = 150.0
const _MARKS: Dictionary[String, Color] = {"ok": Color.PALE_GREEN, "WRONG": Color.SALMON}
const _THUMBNAILS_S: float = 0.5

var renderer: RefCounted = _RendererProcess.new()

var _sources: EditorDebuggerPlugin
var _shown: String = ""  # Key of the stream that is shown.
var _known: PackedStringArray = []  # Keys of all streams at the last look.
var _look_at_s: float = 0.0
var _thumbnails_at_s: float = 0.0
var _column: VBoxContainer = VBoxContainer.new()
var _choice: OptionButton = OptionButton.new()
var _headline: Label = Label.new()
var _next_step: Label = Label.new()
var _start: Button = Button.new()
var _reset: Button = Button.new()
var _test: Button = Button.new()
var _preview: CheckBox = CheckBox.new()
var _models: VBoxContainer = _Models.new()
var _controls: VBoxContainer = _Controls.new()
var _planes: HFlowContainer = _Planes.new()
var _figures: GridContainer = _Figures.new()
var _verdict: RichTextLabel = RichTextLabel.new()
var _log: RichTextLabel = RichTextLabel.new()


func set_up(sources: EditorDebuggerPlugin) -> void:
	name = "Worldplate"
	horizontal_scroll_mode = SCROLL_MODE_DISABLED
	_sources = sources
	_sources.connect(&"thumbnails_arrived", _on_thumbnails)
	_column.size_flags_horizontal = SIZE_EXPAND_FILL
	_column.size_flags_vertical = SIZE_EXPAND_FILL
	add_child(_column)
	_build_head()
	_build_buttons()
	_build_sections()


## Ends what it has started.
func close() -> void:
	renderer.call(&"stop")


func _process(_delta: float) -> void:
	var now_s: float = Time.get_ticks_usec() / 1e6
	if now_s < _look_at_s or _sources == null:
		return
	_look_at_s = now_s + _LOOK_S
	renderer.call(&"poll")
	if not is_visible_in_tree():
		return
	_choose_stream()
	_refresh()
	if now_s >= _thumbnails_at_s and not _shown.is_empty():
		_thumbnails_at_s = now_s + _THUMBNAILS_S
		_sources.call(&"request_thumbnails", _shown)


func _build_head() -> void:
	_choice.fit_to_longest_item = false
	_choice.tooltip_text = "Which stream is shown: those of a running game, and those of the open scene"
	_choice.item_selected.connect(func(index: int) -> void: _shown = _choice.get_item_metadata(index))
	_headline.add_theme_font_size_override(&"font_size", int(18.0 * EditorInterface.get_editor_scale()))
	for label: Label in [_headline, _next_step]:
		label.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
		label.custom_minimum_size.x = 200.0
	for part: Control in [_choice, _headline, _next_step]:
		_column.add_child(part)


func _build_buttons() -> void:
	_start.tooltip_text = "Runs `worldplate serve` on this machine, and ends it with the editor"
	_start.pressed.connect(_on_start)
	_reset.text = "Reset world"
	_reset.tooltip_text = "The model forgets what it has seen of this world"
	_reset.pressed.connect(func() -> void: _sources.call(&"reset_world", _shown))
	_test.text = "Run self-test"
	_test.tooltip_text = "Measures depth, normals, motion, ids, colour and pose in this editor against a known scene"
	_test.pressed.connect(run_self_test)
	var buttons: HFlowContainer = HFlowContainer.new()
	for button: Button in [_start, _reset, _test]:
		buttons.add_child(button)
	_preview.text = "Show in the editor's 3D view"
	_preview.tooltip_text = "Preview in Editor of the open scene's stream"
	_preview.toggled.connect(_on_preview)
	_column.add_child(buttons)
	_column.add_child(_preview)
	_verdict.visible = false
	_verdict.selection_enabled = true
	_column.add_child(_verdict)


func _build_sections() -> void:
	_models.connect(&"chosen", _on_model)
	_controls.connect(&"changed", _on_control)
	_log.custom_minimum_size.y = 120.0
	_log.size_flags_vertical = SIZE_EXPAND_FILL
	_log.selection_enabled = true
	_log.scroll_following = true
	_log.visible = false
	var sections: Array[Array] = [
		["Model", _models], ["Controls", _controls], ["Planes", _planes], ["Figures", _figures], ["Log", _log]]
	for section: Array in sections:
		var head: Label = Label.new()
		head.text = section[0]
		head.theme_type_variation = &"HeaderSmall"
		var content: Control = section[1]
		head.visible = content.visible
		content.visibility_changed.connect(func() -> void: head.visible = content.visible)
		_column.add_child(head)
		_column.add_child(content)


## A game that has just begun to report is shown. Else the stream that was chosen while it is there; else the first: a
## running game before the editor.
func _choose_stream() -> void:
	var keys: PackedStringArray = _sources.call(&"keys")
	var chosen: String = _shown if keys.has(_shown) or keys.is_empty() else keys[0]
	for key: String in keys:
		if not _known.has(key) and not _sources.call(&"is_editor", key):
			chosen = key
	_known = keys
	if chosen != _shown or keys.is_empty():
		_shown = chosen if not keys.is_empty() else ""
		_planes.call(&"clear")
	var listed: PackedStringArray = []
	for i: int in _choice.item_count:
		listed.append(_choice.get_item_metadata(i))
	if listed != keys:
		_choice.clear()
		for key: String in keys:
			_choice.add_item(_sources.call(&"title", key))
			_choice.set_item_metadata(-1, key)
	_choice.visible = keys.size() > 0
	_choice.select(keys.find(_shown))


func _refresh() -> void:
	var report: Dictionary = _sources.call(&"report", _shown)
	var words: Dictionary = _StateWords.call(&"of", report)
	_headline.text = words["headline"]
	_headline.modulate = [Color.PALE_GREEN, Color.WHITE, Color.SALMON][words["mood"]]
	_next_step.text = words["next"]
	_next_step.visible = not _next_step.text.is_empty()
	_start.text = "Stop renderer" if renderer.call(&"running") else "Start renderer"
	_reset.disabled = report.get("status", {}).is_empty()
	_refresh_preview()
	_models.call(&"show_report", report)
	_controls.call(&"show_controls", report.get("controls", []), report.get("values", {}))
	_figures.call(&"show_report", report)
	_show_log(report.get("log", PackedStringArray()))


func _refresh_preview() -> void:
	var streams: Array[Node] = _sources.call(&"editor_streams")
	_preview.disabled = streams.is_empty()
	_preview.set_pressed_no_signal(not streams.is_empty() and streams[0].get(&"preview_in_editor"))


func _show_log(told: PackedStringArray) -> void:
	var lines: PackedStringArray = told.duplicate()
	lines.append_array(renderer.get(&"lines"))
	if not str(renderer.get(&"end")).is_empty():
		lines.append(renderer.get(&"end"))
	var text: String = "\n".join(lines)
	_log.visible = not text.is_empty()
	if _log.text != text:
		_log.text = text


func _on_start() -> void:
	if renderer.call(&"running"):
		renderer.call(&"stop")
		return
	var wrong: String = renderer.call(&"start")
	show_verdict(wrong if not wrong.is_empty() else "Started `worldplate serve`; what it says is in the log below.")


func _on_preview(on: bool) -> void:
	var streams: Array[Node] = _sources.call(&"editor_streams")
	if streams.is_empty():
		return
	var undo: EditorUndoRedoManager = EditorInterface.get_editor_undo_redo()
	undo.create_action("Worldplate: preview in editor", UndoRedo.MERGE_DISABLE, streams[0])
	undo.add_do_property(streams[0], &"preview_in_editor", on)
	undo.add_undo_property(streams[0], &"preview_in_editor", not on)
	undo.commit_action()


func _on_model(model: String) -> void:
	_sources.call(&"use_model", _shown, model)


func _on_control(control: String, value: Variant) -> void:
	_sources.call(&"set_control", _shown, control, value)


func _on_thumbnails(key: String, thumbnails: Array[Dictionary]) -> void:
	if key == _shown:
		_planes.call(&"show_planes", thumbnails)


## Takes about a second; the editor stays usable meanwhile. Returns what is wrong, or "".
func run_self_test() -> String:
	_test.disabled = true
	show_verdict("Measuring…")
	var test: Node = _SelfTest.new()
	add_child(test)
	var result: Dictionary = await test.call(&"run")
	test.queue_free()
	_test.disabled = false
	show_verdict(result["text"])
	return result["wrong"]


## As high as the text, up to a limit; what is longer can be scrolled. Each line's first word says how it went.
func show_verdict(text: String) -> void:
	_verdict.clear()
	for line: String in text.split("\n"):
		var mark: String = line.get_slice("  ", 0)
		_verdict.push_color(_MARKS.get(mark, get_theme_color(&"default_color", &"RichTextLabel")))
		_verdict.add_text(line + "\n")
		_verdict.pop()
	_verdict.visible = not text.is_empty()
	await get_tree().process_frame  # The height of the content is known after it was laid out.
	_verdict.custom_minimum_size.y = minf(_verdict.get_content_height() + 12.0, _VERDICT_HEIGHT * EditorInterface.get_editor_scale())

## A line of text with the texts that were used before, kept per project.
@tool
extends HBoxContainer

## Enter was pressed, the field was left, or an older text was chosen.
signal submitted(text: String)

const _SECTION: String = "worldplate_prompts"
const _KEPT: int = 16

var _control: String
var _field: LineEdit = LineEdit.new()
var _menu: MenuButton = MenuButton.new()
var _shown: String = ""


func set_up(control: String, text: String) -> void:
	_control = control
	size_flags_horizontal = SIZE_EXPAND_FILL
	_field.size_flags_horizontal = SIZE_EXPAND_FILL
	_field.placeholder_text = "Type here"
	_field.tooltip_text = "%s (Enter sends it)" % text
	_field.text_submitted.connect(_submit)
	_field.focus_exited.connect(func() -> void: _submit(_field.text))
	_menu.tooltip_text = "What was used before"
	_menu.flat = true
	_menu.icon = EditorInterface.get_editor_theme().get_icon(&"History", &"EditorIcons")
	_menu.about_to_popup.connect(_fill_menu)
	_menu.get_popup().index_pressed.connect(_choose)
	add_child(_field)
	add_child(_menu)


## Shows a value that comes from the stream, unless somebody is typing.
func show_text(text: String) -> void:
	if not _field.has_focus() and _field.text != text:
		_field.text = text
	_shown = text


func _submit(text: String) -> void:
	if text == _shown:
		return
	_shown = text
	_remember(text)
	submitted.emit(text)


func _choose(index: int) -> void:
	_field.text = _menu.get_popup().get_item_text(index)
	_submit(_field.text)


func _fill_menu() -> void:
	_menu.get_popup().clear()
	for text: String in _history():
		_menu.get_popup().add_item(text)


func _history() -> PackedStringArray:
	return EditorInterface.get_editor_settings().get_project_metadata(_SECTION, _control, PackedStringArray())


func _remember(text: String) -> void:
	if text.strip_edges().is_empty():
		return
	var texts: PackedStringArray = [text]
	for older: String in _history():
		if older != text and texts.size() < _KEPT:
			texts.append(older)
	EditorInterface.get_editor_settings().set_project_metadata(_SECTION, _control, texts)

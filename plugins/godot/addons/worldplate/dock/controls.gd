## The model's controls, built from its own schema: what it is called, what it does, its unit, range and default.
@tool
extends VBoxContainer

## A person has set a control.
signal changed(control: String, value: Variant)

const _PromptField: GDScript = preload("res://addons/worldplate/dock/prompt_field.gd")

var _schema: Array = []
var _setters: Dictionary[String, Callable] = {}  # Name -> shows a value without telling anybody.


## Builds the rows anew when the schema is another one, and shows [param values]; a control that has none shows its
## default.
func show_controls(schema: Array, values: Dictionary) -> void:
	if schema != _schema:
		_schema = schema.duplicate(true)
		_build()
	visible = not schema.is_empty()
	for control: Dictionary in schema:
		_setters[control["name"]].call(values.get(control["name"], control["default"]))


func _build() -> void:
	_setters.clear()
	for child: Node in get_children():
		remove_child(child)
		child.queue_free()
	for control: Dictionary in _schema:
		_add_row(control)


func _add_row(control: Dictionary) -> void:
	var row: HBoxContainer = HBoxContainer.new()
	row.name = control["name"]
	row.tooltip_text = control["text"]
	var label: Label = Label.new()
	label.text = _title(control)
	label.custom_minimum_size.x = 96.0 * EditorInterface.get_editor_scale()
	label.clip_text = true
	label.mouse_filter = Control.MOUSE_FILTER_PASS
	row.add_child(label)
	match control["type"]:
		"number", "integer":
			_add_number(row, control)
		"toggle":
			_add_toggle(row, control)
		"choice":
			_add_choice(row, control)
		"text":
			_add_text(row, control)
	_add_default_button(row, control)
	add_child(row)


## Names carry their unit, which stands behind the value here.
func _title(control: Dictionary) -> String:
	return (control["name"] as String).trim_suffix("_" + str(control["unit"])).capitalize()


func _add_number(row: HBoxContainer, control: Dictionary) -> void:
	var spin: SpinBox = SpinBox.new()
	spin.step = 1.0 if control["type"] == "integer" else maxf(control["step"], 0.001)
	spin.suffix = control["unit"]
	spin.min_value = control["minimum"] if is_finite(control["minimum"]) else -1e6
	spin.max_value = control["maximum"] if is_finite(control["maximum"]) else 1e6
	spin.custom_minimum_size.x = 96.0 * EditorInterface.get_editor_scale()
	spin.tooltip_text = control["text"]
	if is_finite(control["minimum"]) and is_finite(control["maximum"]):
		row.add_child(_slider_of(spin, control))
	else:
		spin.size_flags_horizontal = SIZE_EXPAND_FILL
	row.add_child(spin)
	var whole: bool = control["type"] == "integer"
	spin.value_changed.connect(
		func(value: float) -> void: changed.emit(control["name"], int(value) if whole else value))
	_setters[control["name"]] = func(value: Variant) -> void:
		spin.set_value_no_signal(float(value))


func _slider_of(spin: SpinBox, control: Dictionary) -> HSlider:
	var slider: HSlider = HSlider.new()
	slider.size_flags_horizontal = SIZE_EXPAND_FILL
	slider.size_flags_vertical = SIZE_SHRINK_CENTER
	slider.custom_minimum_size.x = 48.0 * EditorInterface.get_editor_scale()
	slider.tooltip_text = control["text"]
	spin.share(slider)
	return slider


func _add_toggle(row: HBoxContainer, control: Dictionary) -> void:
	var box: CheckBox = CheckBox.new()
	box.text = "On"
	box.tooltip_text = control["text"]
	box.size_flags_horizontal = SIZE_EXPAND_FILL
	row.add_child(box)
	box.toggled.connect(func(on: bool) -> void: changed.emit(control["name"], on))
	_setters[control["name"]] = func(value: Variant) -> void: box.set_pressed_no_signal(bool(value))


func _add_choice(row: HBoxContainer, control: Dictionary) -> void:
	var options: OptionButton = OptionButton.new()
	options.size_flags_horizontal = SIZE_EXPAND_FILL
	options.tooltip_text = control["text"]
	var choices: PackedStringArray = control["choices"]
	for choice: String in choices:
		options.add_item(choice)
	row.add_child(options)
	options.item_selected.connect(func(index: int) -> void: changed.emit(control["name"], choices[index]))
	_setters[control["name"]] = func(value: Variant) -> void: options.select(choices.find(str(value)))


func _add_text(row: HBoxContainer, control: Dictionary) -> void:
	var field: HBoxContainer = _PromptField.new()
	field.call(&"set_up", control["name"], control["text"])
	row.add_child(field)
	field.connect(&"submitted", func(text: String) -> void: changed.emit(control["name"], text))
	_setters[control["name"]] = func(value: Variant) -> void: field.call(&"show_text", str(value))


func _add_default_button(row: HBoxContainer, control: Dictionary) -> void:
	var button: Button = Button.new()
	button.flat = true
	button.tooltip_text = "Back to the model's default: %s" % control["default"]
	button.icon = get_theme_icon(&"Reload", &"EditorIcons")
	button.pressed.connect(func() -> void: changed.emit(control["name"], control["default"]))
	row.add_child(button)

@tool
extends EditorPlugin
## Uses the Worldplate dock as a person would, takes pictures of the editor, and says how it went.

const SCENE: String = "res://main.tscn"

var passed: int = 0
var failed: int = 0
var _pictures: String = OS.get_environment("DOCK_PICTURES")


func _enter_tree() -> void:
	if not OS.get_environment("DOCK_SCENARIO").is_empty():
		_run.call_deferred()


func _run() -> void:
	await wait(2.0)
	EditorInterface.open_scene_from_path(SCENE)
	EditorInterface.set_main_screen_editor("3D")
	await wait(1.0)
	await call(OS.get_environment("DOCK_SCENARIO"))
	print("WORLDPLATE-END %d %d" % [passed, failed])
	EditorInterface.get_editor_main_screen().get_tree().quit(0 if failed == 0 else 1)


## The dock as somebody meets it who has just enabled the add-on.
func look() -> void:
	show_dock()
	await wait(1.0)
	holds("nothing is wrong yet", headline() == "Idle", headline())
	take_picture("dock")


## The add-on without its extension.
func bare() -> void:
	show_dock()
	button("Show in the editor's 3D view").button_pressed = true
	await wait(2.0)
	holds("it says what is missing", words().contains("worldplate plugin install"), words())
	take_picture("bare")


## A renderer that the dock starts, plates in the editor's view, a control, and the end of it all.
func work() -> void:
	show_dock()
	button("Show in the editor's 3D view").button_pressed = true
	await wait(1.5)
	holds("it waits for a renderer", headline() == "Waiting for a renderer", headline())
	button("Start renderer").pressed.emit()
	await until(func() -> bool: return headline() == "Attached", 30.0)
	holds("it attaches to the renderer that the dock has started", headline() == "Attached", headline())
	await until(func() -> bool: return stream().get(&"picture").get("plate", 0) > 0, 30.0)
	holds("a plate is shown", stream().get(&"picture").get("plate", 0) > 0, str(stream().get(&"picture")))
	await wait(2.0)
	take_picture("work")
	await _steer()
	button("Stop renderer").pressed.emit()
	await until(func() -> bool: return headline() == "Waiting for a renderer", 15.0)
	holds("it sees the renderer leave", headline() == "Waiting for a renderer", headline())
	button("Show in the editor's 3D view").button_pressed = false
	await wait(1.0)
	holds("it is idle again", headline() == "Idle", headline())


## The editor is closed in the middle of it.
func leave() -> void:
	show_dock()
	button("Show in the editor's 3D view").button_pressed = true
	await wait(2.0)
	holds("it runs", headline() in ["Waiting for a renderer", "Attached"], headline())


func _steer() -> void:
	var row: Control = dock().find_child("sky", true, false)
	holds("the model's controls are there", row != null)
	if row == null:
		return
	var options: OptionButton = row.get_child(1)
	options.select(1)
	options.item_selected.emit(1)
	await wait(1.0)
	holds("a control is kept in the scene", stream().get(&"controls").get("sky", "") == options.get_item_text(1))
	take_picture("steered")


func self_test() -> void:
	show_dock()
	var wrong: String = await dock().call(&"run_self_test")
	print((dock().get(&"_verdict") as RichTextLabel).text)
	holds("the self-test finds nothing wrong", wrong.is_empty(), wrong)
	take_picture("self_test")


func dock() -> Control:
	return EditorInterface.get_base_control().find_child("Worldplate", true, false)


func stream() -> Node:
	return EditorInterface.get_edited_scene_root().get_node("Camera3D/WorldplateStream")


func headline() -> String:
	return (dock().get(&"_headline") as Label).text


func words() -> String:
	return (dock().get(&"_next_step") as Label).text


func button(text: String) -> BaseButton:
	for found: Node in dock().find_children("*", "Button", true, false):
		if (found as Button).text == text:
			return found
	holds("there is a button '%s'" % text, false)
	return null


func until(condition: Callable, seconds: float) -> void:
	var end_ms: int = Time.get_ticks_msec() + int(seconds * 1000.0)
	while not condition.call() and Time.get_ticks_msec() < end_ms:
		await wait(0.1)


func show_dock() -> void:
	var shown: Control = dock()
	while not shown.get_parent() is TabContainer:
		shown = shown.get_parent_control()
	var tabs: TabContainer = shown.get_parent()
	tabs.current_tab = tabs.get_tab_idx_from_control(shown)


func wait(seconds: float) -> void:
	await get_tree().create_timer(seconds).timeout


func take_picture(picture: String) -> void:
	EditorInterface.get_base_control().get_viewport().get_texture().get_image().save_png(_pictures.path_join(picture + ".png"))


func holds(what: String, condition: bool, detail: String = "") -> void:
	if condition:
		passed += 1
	else:
		failed += 1
		print("FAILED %s: %s" % [what, detail])

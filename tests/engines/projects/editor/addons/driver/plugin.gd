@tool
extends EditorPlugin
## Uses the Worldplate dock as a person would, takes pictures of the editor, and says how it went.

const SCENE: String = "res://main.tscn"
const PATIENCE_S: float = 60.0  # A renderer loads its model on a busy machine.

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


## The dock as somebody meets it who has just enabled the add-on, without its extension.
func bare() -> void:
	show_dock()
	await wait(1.0)
	holds("nothing is wrong yet", headline() == "Idle", headline())
	take_picture("dock")
	button("Show in the editor's 3D view").button_pressed = true
	await wait(2.0)
	holds("it says what is missing", words().contains("worldplate plugin install"), words())
	take_picture("bare")


## A renderer that the dock starts, plates in the editor's view, a control, the self-test, a game, the end of it all; and
## another start, in the middle of which the editor is closed.
func work() -> void:
	show_dock()
	button("Show in the editor's 3D view").button_pressed = true
	await until(func() -> bool: return headline() == "Waiting for a renderer", PATIENCE_S)
	holds("it waits for a renderer", headline() == "Waiting for a renderer", headline())
	button("Start renderer").pressed.emit()
	await _wait_for_plates()
	await wait(2.0)
	take_picture("work")
	await _steer()
	await _test_itself()
	await _play()
	await _change_model()
	button("Stop renderer").pressed.emit()
	await until(func() -> bool: return headline() == "Waiting for a renderer", PATIENCE_S)
	holds("it sees the renderer leave", headline() == "Waiting for a renderer", headline())
	button("Show in the editor's 3D view").button_pressed = false
	await until(func() -> bool: return headline() == "Idle", PATIENCE_S)
	holds("it is idle again", headline() == "Idle", headline())
	button("Show in the editor's 3D view").button_pressed = true
	await wait(1.5)
	button("Start renderer").pressed.emit()
	await _wait_for_plates()


func _wait_for_plates() -> void:
	await until(func() -> bool: return headline() == "Attached", PATIENCE_S)
	holds("it attaches to the renderer that the dock has started", headline() == "Attached", headline())
	await until(func() -> bool: return stream().get(&"picture").get("plate", 0) > 0, PATIENCE_S)
	holds("a plate is shown", stream().get(&"picture").get("plate", 0) > 0, str(stream().get(&"picture")))


func _steer() -> void:
	await until(func() -> bool: return _sun() != null, PATIENCE_S)  # Not while the renderer is looked for again.
	holds("the model's controls are there", _sun() != null)
	if _sun() == null:
		return
	_choose(_sun(), 1)
	var chosen: String = _text_of(_sun())
	await until(func() -> bool: return stream().get(&"controls").get("sun_from", "") == chosen, PATIENCE_S)
	holds("a control is kept in the scene", stream().get(&"controls").get("sun_from", "") == chosen)
	await wait(1.0)
	take_picture("steered")


func _test_itself() -> void:
	var wrong: String = await dock().call(&"run_self_test")
	holds("the self-test finds nothing wrong", wrong.is_empty(), wrong)
	await wait(0.5)
	take_picture("self_test")


## A game that the editor runs reports to the dock, is steered from there, and is gone with its process.
func _play() -> void:
	var game: int = _run_game()
	await until(func() -> bool: return _title().begins_with("Game"), PATIENCE_S)
	holds("the running game is listed and shown first", _title().begins_with("Game"), _title())
	show_dock()
	await until(func() -> bool: return _game().get("picture", {}).get("plate", 0) > 0, PATIENCE_S)
	holds("the game shows plates and says so", _game().get("picture", {}).get("plate", 0) > 0, str(_game()))
	await until(func() -> bool: return _sun() != null, PATIENCE_S)
	_choose(_sun(), 0)
	var chosen: String = _text_of(_sun())
	await until(func() -> bool: return _game().get("values", {}).get("sun_from", "") == chosen, PATIENCE_S)
	holds("a control reaches the game", _game().get("values", {}).get("sun_from", "") == chosen, str(_game().get("values")))
	holds("and not the scene", stream().get(&"controls").get("sun_from", "") != chosen)
	var planes: Control = dock().get(&"_planes")
	await until(func() -> bool: return planes.get_child_count() > 3, PATIENCE_S)
	holds("pictures of the game's planes are shown", planes.get_child_count() > 3)
	take_picture("play")
	OS.kill(game)
	await until(func() -> bool: return _title().begins_with("Editor"), PATIENCE_S)
	holds("the game is gone with its process", _title().begins_with("Editor"), _title())


## One that is not there is told by name, and the old one goes on; another of the dock's list takes over.
func _change_model() -> void:
	var list: Control = dock().get(&"_models")
	var models: OptionButton = list.get_child(0)
	var said: Label = list.get_child(1)
	await until(func() -> bool: return models.selected >= 0 and not models.disabled, PATIENCE_S)
	holds("the list shows the model that serves", models.selected >= 0 and _text_of(models) == "limn")
	stream().call(&"use_model", "gone")
	await until(func() -> bool: return said.text.begins_with("gone does not take over"), PATIENCE_S)
	holds("a model that is not there is told by name", said.text.contains("there is no model 'gone'"), said.text)
	await wait(1.0)
	take_picture("refused_model")
	for item: int in models.item_count:
		if models.get_item_text(item) == "passthrough":
			_choose(models, item)
	await until(func() -> bool: return _painter() == "passthrough", PATIENCE_S)
	holds("the model that was chosen takes over", _painter() == "passthrough", _painter())
	await wait(1.0)
	take_picture("another_model")


## The model that the editor's stream is painted by.
func _painter() -> String:
	return stream().call(&"report")["status"].get("model", "")


## As the editor's Play does, but for its window, which would need a window manager, and for the executable, which the
## fetched engine does not know itself. The editor listens by `server_keep_open`.
func _run_game() -> int:
	var port: int = EditorInterface.get_editor_settings().get_setting("network/debug/remote_port")
	return OS.create_process(OS.get_environment("DOCK_GODOT"), [
		"--path", ProjectSettings.globalize_path("res://"), "--audio-driver", "Dummy", "--resolution", "320x180",
		"--remote-debug", "tcp://127.0.0.1:%d" % port])


## The choice of where the sun comes from, once the model's controls are there.
func _sun() -> OptionButton:
	var row: Control = dock().find_child("sun_from", true, false)
	return row.get_child(1) if row != null else null


func _choose(options: OptionButton, index: int) -> void:
	options.select(index)
	options.item_selected.emit(index)


func _text_of(options: OptionButton) -> String:
	return options.get_item_text(options.selected)


func _title() -> String:
	var choice: OptionButton = dock().get(&"_choice")
	return choice.get_item_text(choice.selected) if choice.selected >= 0 else ""


## What the game that is shown has last said; {} when none is.
func _game() -> Dictionary:
	return dock().get(&"_sources").call(&"report", dock().get(&"_shown")) if _title().begins_with("Game") else {}


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


## Of the whole editor.
func take_picture(picture: String) -> void:
	EditorInterface.get_base_control().get_viewport().get_texture().get_image().save_png(_pictures.path_join(picture + ".png"))


func holds(what: String, condition: bool, detail: String = "") -> void:
	if condition:
		passed += 1
	else:
		failed += 1
		print("FAILED %s: %s" % [what, detail])

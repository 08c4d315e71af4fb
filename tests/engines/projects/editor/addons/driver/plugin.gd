@tool
extends EditorPlugin
## Uses the Worldplate dock as a person would, takes pictures of the editor, and says how it went.

const SCENE: String = "res://main.tscn"

var passed: int = 0
var failed: int = 0
var _pictures: String = OS.get_environment("WORLDPLATE_PICTURES")


func _enter_tree() -> void:
	if not OS.get_environment("WORLDPLATE_SCENARIO").is_empty():
		_run.call_deferred()


func _run() -> void:
	await wait(2.0)
	EditorInterface.open_scene_from_path(SCENE)
	EditorInterface.set_main_screen_editor("3D")
	await wait(1.0)
	await call(OS.get_environment("WORLDPLATE_SCENARIO"))
	print("END passed=%d failed=%d" % [passed, failed])
	EditorInterface.get_editor_main_screen().get_tree().quit(0 if failed == 0 else 1)


func look() -> void:
	holds("the dock is there", dock() != null)
	show_dock()
	await wait(1.5)
	take_picture("dock")


func self_test() -> void:
	show_dock()
	var wrong: String = await dock().call(&"run_self_test")
	print((dock().get(&"_verdict") as RichTextLabel).text)
	holds("the self-test finds nothing wrong", wrong.is_empty(), wrong)
	take_picture("self_test")


func dock() -> Control:
	return EditorInterface.get_base_control().find_child("Worldplate", true, false)


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

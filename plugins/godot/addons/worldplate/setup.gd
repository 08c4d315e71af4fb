## What keeps a stream from running, in words for its user.
@tool
extends RefCounted

const _EFFECT: String = "res://addons/worldplate/effect.gd"


## What is wrong with the stream's place, the project or the installation.
static func find_faults(stream: Node) -> PackedStringArray:
	var faults: PackedStringArray = []
	var camera: Camera3D = stream.get_parent() as Camera3D
	if camera == null:
		faults.append("Put this node under a Camera3D: it shows plates over that camera's picture.")
	elif camera.projection == Camera3D.PROJECTION_ORTHOGONAL:
		faults.append("The camera is orthogonal; plates need a perspective or frustum camera.")
	elif camera.find_children("*", "WorldplateStream", false, false).size() > 1:
		faults.append("This camera has more than one WorldplateStream; keep one.")
	if RenderingServer.get_current_rendering_method() == "gl_compatibility":
		faults.append("The Compatibility renderer cannot run this: choose Forward+ (or Mobile, with fewer planes).")
	elif RenderingServer.get_rendering_device() == null:
		faults.append("There is no rendering device: run with a display, in Forward+.")
	if not ClassDB.class_exists(&"WorldplateLink") or not ResourceLoader.exists(_EFFECT):
		faults.append("The extension is missing: run `worldplate plugin install godot` on this project's folder again, "
			+ "and restart the editor.")
	return faults


## Why the stream is not meant to run; "" when it is.
static func find_idleness(enabled: bool, preview_in_editor: bool) -> String:
	if not enabled:
		return "The stream's Enabled is off."
	if Engine.is_editor_hint() and not preview_in_editor:
		return "Press Play, or tick the box below to work in the editor's view."
	return ""

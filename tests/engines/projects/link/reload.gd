## The editor loads the library again under a living, open link: the object is closed, and works again.
extends SceneTree

const Checks: GDScript = preload("res://checks.gd")
const Frames: GDScript = preload("res://frames.gd")
const EXTENSION: String = "res://addons/worldplate/worldplate.gdextension"

var checks: Checks = Checks.new()
var frames: Frames = Frames.new(Vector2i(64, 48), 2)


func _initialize() -> void:
	checks.equal("in the editor", Engine.is_editor_hint(), true)
	var link: RefCounted = WorldplateLink.new()
	for cycle: int in 5:
		checks.equal("open", link.call("open", frames.settings("/nowhere/connection.json", false)), "")
		checks.holds("a frame", begin(link) > 0)
		var status: GDExtensionManager.LoadStatus = GDExtensionManager.reload_extension(EXTENSION)
		checks.equal("reload", status, GDExtensionManager.LOAD_STATUS_OK)
		checks.equal("closed", begin(link), 0)
	link = null
	checks.equal("in memory", mapped(), true)
	checks.equal("unload", GDExtensionManager.unload_extension(EXTENSION), GDExtensionManager.LOAD_STATUS_OK)
	checks.equal("gone from memory", mapped(), false)
	checks.equal("load", GDExtensionManager.load_extension(EXTENSION), GDExtensionManager.LOAD_STATUS_OK)
	checks.equal("there again", mapped(), true)
	checks.finish(self)


func begin(link: RefCounted) -> int:
	return link.call("begin_frame", frames.camera, frames.ids, frames.labels, frames.poses, frames.poses,
		frames.velocities, frames.contact_ids, frames.contact_points, 0, 0)


func mapped() -> bool:
	var maps: String = "/proc/%d/maps" % OS.get_process_id()
	return OS.execute("grep", ["-q", "libworldplate_godot", maps]) == 0

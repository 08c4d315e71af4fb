## A hundred times play and stop: no thread, no file of shared memory and no port stays behind.
## Arguments: the connection file.
extends SceneTree

const Checks: GDScript = preload("res://checks.gd")
const Frames: GDScript = preload("res://frames.gd")
const CYCLES: int = 100
const PATIENCE_MS: int = 10000

var checks: Checks = Checks.new()
var frames: Frames = Frames.new(Vector2i(64, 48), 2)


func _initialize() -> void:
	var connection: String = OS.get_cmdline_user_args()[0]
	var attached: int = 0
	var before: Array = []
	for cycle: int in CYCLES:
		attached += 1 if play(connection) else 0
		if cycle == 4:  # The first ones load code and fill the allocator.
			before = [count("/proc/self/task"), count("/proc/self/fd"), segments()]
	checks.equal("attached", attached, CYCLES)
	checks.equal("threads, files, segments", [count("/proc/self/task"), count("/proc/self/fd"), segments()], before)
	checks.finish(self)


## True when a session was open and a frame was on its way when the link was closed.
func play(connection: String) -> bool:
	var link: WorldplateLink = WorldplateLink.new()
	var wrong: String = link.open(frames.settings(connection, false))
	checks.equal("open", wrong, "")
	var deadline: int = Time.get_ticks_msec() + PATIENCE_MS
	var submitted: bool = false
	while not submitted and Time.get_ticks_msec() < deadline:
		var id: int = frames.begin(link)
		submitted = link.wants_pixels() and link.submit(id, frames.pixels(link.layout()))
		link.present()
		OS.delay_msec(2)
	link.close()
	return submitted


func count(folder: String) -> int:
	var entries: DirAccess = DirAccess.open(folder)
	entries.include_hidden = true
	return entries.get_files().size() + entries.get_directories().size()


func segments() -> int:
	var entries: DirAccess = DirAccess.open("/dev/shm")
	return Array(entries.get_files()).filter(func(name: String) -> bool: return name.begins_with("worldplate-")).size()

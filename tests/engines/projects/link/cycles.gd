## A hundred times play and stop: no thread, no open file and no port stays behind. Rings are counted by who runs this.
## Arguments: the connection file.
extends SceneTree

const Checks: GDScript = preload("res://checks.gd")
const Frames: GDScript = preload("res://frames.gd")
const CYCLES: int = 100
const PATIENCE_MS: int = 10000
const OTHERS: int = 5  # Threads and files that the engine itself opens and closes meanwhile; a leak would be of all cycles.

var checks: Checks = Checks.new()
var frames: Frames = Frames.new(Vector2i(64, 48), 2)


func _initialize() -> void:
	var connection: String = OS.get_cmdline_user_args()[0]
	var attached: int = 0
	var before: Array = []
	for cycle: int in CYCLES:
		attached += 1 if play(connection) else 0
		if cycle == 4:  # The first ones load code and fill the allocator.
			before = [count("/proc/self/task"), count("/proc/self/fd")]
	checks.equal("attached", attached, CYCLES)
	var after: Array = [count("/proc/self/task"), count("/proc/self/fd")]
	var more: Array = range(after.size()).filter(func(i: int) -> bool: return after[i] > before[i] + OTHERS)
	checks.holds("threads and files", more.is_empty(), "%s, and %s after the first five" % [after, before])
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

## A session with a renderer that gives colour back: what was submitted comes back to the bit.
## Arguments: the connection file, "shm" or "inline", and "steady" or "killed". In a killed session the renderer is to
## be killed when "KILL" is printed, and another one to be started when "START" is.
extends SceneTree

const Checks: GDScript = preload("res://checks.gd")
const Frames: GDScript = preload("res://frames.gd")
const PLATES: int = 40
const PATIENCE_MS: int = 60000

var checks: Checks = Checks.new()
var frames: Frames = Frames.new(Vector2i(64, 48), 20)
var link: WorldplateLink = WorldplateLink.new()
var colors: Dictionary[int, PackedByteArray] = {}
var lines: PackedStringArray = PackedStringArray()


func _initialize() -> void:
	var arguments: PackedStringArray = OS.get_cmdline_user_args()
	checks.equal("open", link.open(frames.settings(arguments[0], arguments[1] == "inline")), "")
	run_plates(arguments[1])
	if arguments[2] == "killed":
		print("KILL")
		run_without()
		print("START")
		run_plates(arguments[1])
		checks.equal("sessions", link.status()["session_count"], 2)
	check_controls()
	check_wait()
	read_log()
	checks.holds("the log tells of the session", not lines.is_empty())
	link.close()
	checks.finish(self)


## One tick. The id of the plate that was shown and was whole and right; 0 when there was none.
func tick() -> int:
	var id: int = frames.begin(link)
	if link.wants_pixels():
		var layout: Dictionary = link.layout()
		var bytes: PackedByteArray = frames.pixels(layout)
		if link.submit(id, bytes):
			colors[id] = frames.color(bytes, layout)
		bytes.fill(0)  # Ours again: the link has a reference to what it was.
	var picture: Dictionary = link.present()
	read_log()
	OS.delay_msec(2)
	if picture["plate"] == 0:
		return 0
	var plate: PackedByteArray = link.plate_pixels()
	if plate.is_empty():
		return 0
	checks.holds("plate %d is frame %d's colour" % [picture["plate"], picture["plate"]],
		plate == colors.get(picture["plate"]))
	var carry: PackedByteArray = link.reprojection(picture["target"], picture["plate"])
	checks.equal("the way there", carry.size(), 224 + 80 * frames.body_count)
	return picture["plate"]


func run_plates(transport: String) -> void:
	var seen: Dictionary[int, bool] = {}
	var deadline: int = Time.get_ticks_msec() + PATIENCE_MS
	while seen.size() < PLATES and Time.get_ticks_msec() < deadline:
		var plate: int = tick()
		if plate != 0:
			seen[plate] = true
	var status: Dictionary = link.status()
	checks.equal("plates", seen.size(), PLATES)
	checks.equal("state", status["state"], "attached")
	checks.equal("transport", status["transport"], transport)
	checks.equal("model", status["model"], "passthrough")
	checks.holds("wanted planes", "color" in status["wanted_planes"])
	checks.holds("times of the stages", status["stages"].has("generate"), str(status["stages"]))
	checks.holds("answered", status["answered"] >= PLATES)
	checks.holds("a frame age", status["age_p50_ms"] > 0.0)


## Until nothing is attached any more; the engine's own picture is shown then.
func run_without() -> void:
	var deadline: int = Time.get_ticks_msec() + PATIENCE_MS
	while link.status()["state"] in ["attached", "stalled"] and Time.get_ticks_msec() < deadline:
		tick()
	checks.equal("nobody is there", link.status()["renderer_pid"], 0)
	checks.equal("nobody wants pixels", link.wants_pixels(), false)
	link.plate_pixels()
	for i: int in 20:
		tick()
	checks.equal("the engine's own picture", link.present()["plate"], 0)


func check_controls() -> void:
	var controls: Array[Dictionary] = link.controls()
	for control: Dictionary in controls:
		checks.equal("keys of %s" % control["name"], control.keys(),
			["name", "type", "text", "unit", "minimum", "maximum", "step", "default", "choices"])
		checks.equal("its own default", link.set_control(control["name"], control["default"]), "")
	checks.holds("a control that the model does not have", not link.set_control("explosions", 1.0).is_empty())


func check_wait() -> void:
	var deadline: int = Time.get_ticks_msec() + PATIENCE_MS
	var id: int = frames.begin(link)
	while not link.wants_pixels() and Time.get_ticks_msec() < deadline:
		OS.delay_msec(2)
		link.present()
		id = frames.begin(link)
	checks.equal("submit", link.submit(id, frames.pixels(link.layout())), true)
	checks.equal("wait", link.wait(id, 5000.0), true)
	checks.equal("its own plate is shown", link.present()["plate"], id)


func read_log() -> void:
	var line: String = link.next_log()
	while not line.is_empty():
		checks.holds("a level", line.substr(0, 2) in ["I ", "W ", "E "], line)
		lines.append(line)
		line = link.next_log()

## Every method without a renderer: types, refusals, and what the analyser knows of the class.
extends SceneTree

const Checks: GDScript = preload("res://checks.gd")
const Frames: GDScript = preload("res://frames.gd")
const NAN_AT: int = 8  # A coordinate of the second body.

var checks: Checks = Checks.new()
var frames: Frames = Frames.new(Vector2i(64, 48), 3)


func _initialize() -> void:
	check_closed(WorldplateLink.new())
	check_settings(WorldplateLink.new())
	var link: WorldplateLink = WorldplateLink.new()
	var settings: Dictionary = frames.settings("/nowhere/connection.json", false)
	checks.equal("open", link.open(settings), "")
	checks.contains("a second open", link.open(settings), "close()")
	check_types(link)
	check_untyped(link)
	check_frames(link)
	check_pixels(link)
	check_steering(link)
	check_reprojection(link)
	check_times(link)
	check_analyser()
	link.close()
	link.close()
	checks.equal("a frame after the end", frames.begin(link), 0)
	checks.finish(self)


func check_closed(link: WorldplateLink) -> void:
	checks.equal("a frame of no client", frames.begin(link), 0)
	checks.holds("why", not link.last_error().is_empty())
	checks.equal("pixels of no client", link.submit(1, PackedByteArray([1])), false)
	checks.equal("a plate of no client", link.plate_pixels(), PackedByteArray())
	checks.equal("what no client shows", link.present()["target"], 0)
	checks.equal("the layout of no client", link.layout(), {})
	checks.equal("the status of no client", link.status(), {})
	checks.equal("what no client wants", link.wants_pixels(), false)
	checks.holds("a control of no client", not link.set_control("strength", 1.0).is_empty())
	checks.equal("the log of no client", link.next_log(), "")


func check_settings(link: WorldplateLink) -> void:
	var wrong: Array[Array] = [
		["hight", 3, "hight: there is no such setting"], ["width", 0, "0"], ["width", -4, "-4"],
		["width", 3.5, "int"], ["width", 100000, "100000"], ["planes", "color", "Array"],
		["planes", [["colour", "rgba16f"]], "'colour' is none of color, depth"],
		["planes", [["color", "rgba8"]], "'rgba8' is none of rgba16f"], ["planes", [["color"]], "[name"],
		["planes", [], "plane"], ["sync", "sometimes", "lockstep"], ["sync", 3, "String"],
		["late", "never", "reproject"], ["delay_frames", 99, "99"], ["slot_count", 1, "1"],
		["frames_in_flight", 0, "0"], ["frame_period_ms", "fast", "float"], ["name", "", "name"],
		["inline_only", 1, "bool"], ["seed", -1, "-1"],
	]
	for case: Array in wrong:
		var settings: Dictionary = frames.settings("", false)
		settings[case[0]] = case[1]
		var text: String = link.open(settings)
		checks.contains("%s = %s" % [case[0], case[1]], text, case[2])
		checks.equal("is kept", link.last_error(), text)


func check_types(link: WorldplateLink) -> void:
	checks.holds("version", link.version().split(".").size() == 3, link.version())
	checks.holds("now_ns", link.now_ns() > 0 and link.now_ns() <= link.now_ns())
	var status: Dictionary = link.status()
	checks.equal("state", status["state"], "searching")
	checks.equal("wanted planes", typeof(status["wanted_planes"]), TYPE_PACKED_STRING_ARRAY)
	checks.equal("dispositions", status["dispositions"].keys(), ["generated", "reprojected", "passthrough", "dropped"])
	checks.equal("stages", status["stages"], {})
	checks.equal("a count", typeof(status["begun"]), TYPE_INT)
	checks.equal("a time", typeof(status["age_p50_ms"]), TYPE_FLOAT)
	var controls: Array[Dictionary] = link.controls()
	checks.equal("controls without a model", controls.size(), 0)
	var layout: Dictionary = link.layout()
	checks.equal("colour first", layout["color"], {"offset": 0, "pitch": 512, "format": "rgba16f"})
	checks.equal("depth next", layout["depth"], {"offset": 24576, "pitch": 256, "format": "r32f"})
	checks.equal("bytes", layout["bytes"], 24576 + 2 * 12288)


## Both ways of calling give the same.
func check_untyped(link: WorldplateLink) -> void:
	var any: Variant = link
	checks.equal("a layout", any.layout(), link.layout())
	checks.equal("a text", any.version(), link.version())
	checks.equal("a bool", any.wants_pixels(), link.wants_pixels())
	checks.equal("bytes", any.plate_pixels(), link.plate_pixels())
	checks.equal("an array of dictionaries", any.controls().get_typed_builtin(), TYPE_DICTIONARY)
	checks.equal("an int for a float", any.set_plate_range(0, 100), "")
	var id: int = any.begin_frame(frames.camera, frames.ids, frames.labels, frames.poses, frames.poses,
		frames.velocities, frames.contact_ids, frames.contact_points, 0, 0)
	checks.holds("a frame", id > 0, link.last_error())
	checks.equal("too few arguments", link.callv("resize", [3]), null)
	checks.equal("too many arguments", link.callv("close", [3]), null)
	checks.equal("an argument of another type", link.callv("resize", ["wide", 3]), null)


func check_frames(link: WorldplateLink) -> void:
	var first: int = frames.begin(link)
	checks.holds("a first frame", first > 0, link.last_error())
	checks.equal("ids count up", frames.begin(link), first + 1)
	refuse_frame(link, "camera", frames.camera.slice(1), "35 numbers; it must have 36")
	refuse_frame(link, "labels", PackedByteArray([1]), "labels has 1 numbers; it must have 3")
	refuse_frame(link, "poses", frames.poses.slice(1), "poses has 20 numbers; it must have 21")
	refuse_frame(link, "velocities", PackedFloat32Array(), "velocities has 0 numbers; it must have 18")
	refuse_frame(link, "ids", PackedInt64Array([1, -2, 3]), "ids[1] is -2")
	refuse_frame(link, "ids", PackedInt64Array([1, 1 << 32, 3]), "ids[1] is 4294967296")
	refuse_frame(link, "ids", PackedInt64Array([1, 0, 3]), "id")
	refuse_frame(link, "ids", PackedInt64Array([1, 2, 2]), "2")
	refuse_frame(link, "contact_ids", PackedInt64Array([1]), "contact_")
	refuse_frame(link, "contact_points", PackedFloat32Array([1, 2, 3]), "contact_")
	refuse_frame(link, "contact_points", PackedFloat32Array([0, 0, 0, -1]), "-1")
	refuse_frame(link, "reset", 4, "reset is 4")
	refuse_frame(link, "reset", -1, "reset is -1")
	refuse_frame(link, "capture_ns", -1, "capture_ns is -1")
	var poses: PackedFloat64Array = frames.poses.duplicate()
	poses[NAN_AT] = NAN
	refuse_frame(link, "poses", poses, "nan")
	var camera: PackedFloat64Array = frames.camera.duplicate()
	camera[0] = INF
	refuse_frame(link, "camera", camera, "inf")
	checks.equal("none of them counted", frames.begin(link), first + 2)


func refuse_frame(link: WorldplateLink, name: String, value: Variant, why: String) -> void:
	var arguments: Dictionary = {
		"camera": frames.camera, "ids": frames.ids, "labels": frames.labels, "poses": frames.poses,
		"previous_poses": frames.poses, "velocities": frames.velocities, "contact_ids": frames.contact_ids,
		"contact_points": frames.contact_points, "reset": 0, "capture_ns": 0,
	}
	arguments[name] = value
	checks.equal("a frame with %s = %s" % [name, value], link.callv("begin_frame", arguments.values()), 0)
	checks.contains("why", link.last_error().to_lower(), why)


func check_pixels(link: WorldplateLink) -> void:
	var id: int = frames.begin(link)
	checks.equal("nobody wants pixels", link.wants_pixels(), false)
	checks.equal("too few bytes", link.submit(id, PackedByteArray([1, 2, 3])), false)
	checks.contains("why", link.last_error(), "3")
	checks.equal("no bytes", link.submit(id, PackedByteArray()), false)
	checks.equal("of a frame that never was", link.submit(id + 1000, frames.pixels(link.layout())), false)
	checks.equal("of a frame before all", link.submit(-1, frames.pixels(link.layout())), false)
	checks.equal("waiting for a plate", link.wait(id, 5.0), false)
	var picture: Dictionary = link.present()
	checks.equal("the engine's own picture", [picture["target"], picture["plate"]], [id, 0])
	checks.equal("is so in the books", picture["disposition"], "passthrough")
	checks.holds("and says why", not picture["reason"].is_empty())
	checks.equal("types", [typeof(picture["strength"]), typeof(picture["age_ms"])], [TYPE_FLOAT, TYPE_FLOAT])
	checks.equal("no plate", link.plate_pixels(), PackedByteArray())


func check_steering(link: WorldplateLink) -> void:
	checks.equal("objects", link.set_engine_objects(PackedInt64Array([1, 2])), "")
	checks.equal("no objects", link.set_engine_objects(PackedInt64Array()), "")
	checks.contains("an object of more than 32 bits", link.set_engine_objects(PackedInt64Array([1, 1 << 32])), "4294967296")
	checks.equal("labels", link.set_engine_labels(PackedByteArray([13])), "")
	checks.equal("a range", link.set_plate_range(0.5, 200.0), "")
	checks.contains("a range from behind", link.set_plate_range(-1.0, 200.0), "-1")
	checks.equal("a fresh world", link.reset_world(), "")
	checks.equal("a control before a model says which it has", link.set_control("strength", 0.5), "")
	checks.contains("a control that is a vector", link.set_control("strength", Vector2.ONE), "strength")
	checks.contains("no width", link.resize(0, 48), "0 x 48")
	checks.contains("a giant", link.resize(64, 1 << 40), "1099511627776")
	checks.equal("another size", link.resize(32, 16), "")
	checks.equal("is laid out", link.layout()["color"]["pitch"], 256)
	checks.equal("and back", link.resize(64, 48), "")


## Between two frames of the same camera nothing moves: the identity, column by column.
func check_reprojection(link: WorldplateLink) -> void:
	var source: int = frames.begin(link)
	var target: int = frames.begin(link)
	var buffer: PackedByteArray = link.reprojection(target, source)
	checks.equal("bytes", buffer.size(), 224 + 80 * frames.body_count)
	var floats: PackedFloat32Array = buffer.slice(0, 208).to_float32_array()
	checks.equal("nothing moves", floats.slice(0, 16),
		PackedFloat32Array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]))
	checks.equal("the third column ends in the perspective", floats[16 + 11], -1.0)
	checks.equal("bodies", buffer.decode_u32(208), frames.body_count)
	for i: int in frames.body_count:
		checks.equal("id and known of body %d" % i,
			[buffer.decode_u32(224 + 80 * i), buffer.decode_u32(228 + 80 * i)], [i + 1, 1])
	checks.equal("of frames that never were", link.reprojection(target + 1000, source), PackedByteArray())
	var moved: PackedFloat64Array = frames.camera.duplicate()
	moved[0] += 2.0
	var right: int = link.begin_frame(moved, frames.ids, frames.labels, frames.poses, frames.poses, frames.velocities,
		frames.contact_ids, frames.contact_points, 0, 0)
	floats = link.reprojection(right, source).slice(0, 64).to_float32_array()
	checks.equal("a camera that went 2 m right", floats[12], 2.0)


func check_times(link: WorldplateLink) -> void:
	link.call_times_us()
	for i: int in 6:
		frames.begin(link)
		link.wait(i, 3.0)
		link.present()
	var times: PackedFloat32Array = link.call_times_us()
	checks.equal("one number for each tick that has ended", times.size(), 6)
	for time: float in times:
		checks.holds("a time without waiting", time > 0.0 and time < 3000.0, str(time))
	checks.equal("asked again", link.call_times_us(), PackedFloat32Array())


## GDScript refuses wrong arguments before it runs, and the names are those of the documentation.
func check_analyser() -> void:
	checks.equal("right types", compiles("link.resize(640, 360)"), true)
	checks.equal("a wrong type", compiles("link.resize(640, 'high')"), false)
	checks.equal("a wrong count", compiles("link.resize(640)"), false)
	checks.equal("a wrong return type", compiles("var a: int = link.version()"), false)
	for method: Dictionary in ClassDB.class_get_method_list("WorldplateLink", true):
		if method["name"] == "submit":
			var names: Array = method["args"].map(func(argument: Dictionary) -> String: return argument["name"])
			checks.equal("names of arguments", names, ["id", "pixels"])


func compiles(line: String) -> bool:
	var script: GDScript = GDScript.new()
	script.source_code = "static func run(link: WorldplateLink) -> void:\n\t%s\n" % line
	return script.reload() == OK

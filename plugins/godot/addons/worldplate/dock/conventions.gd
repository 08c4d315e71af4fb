## Holds the planes and the camera of a frame to the truth, one convention at a time, and says for each that is wrong what
## was measured, what was expected, and which known mistake looks like that.
##
## A frame is {reader: pack_reader, camera: the 36 numbers of WorldplateLink.begin_frame, truth: truth}.
@tool
extends RefCounted

const _Golden: GDScript = preload("res://addons/worldplate/dock/golden.gd")
const _ALLOWED: float = 0.01  # Of the pixels: some lie on an edge all the same.
const _MIRRORED: Vector2i = Vector2i(1, 0)
const _UPSIDE_DOWN: Vector2i = Vector2i(0, 1)

## Mistakes that others have made, as what they would make of the right value.
const _DEPTH_MISTAKES: Array[String] = ["along the ray, not along the view axis", "in centimetres", "raw device depth"]
const _NORMAL_MISTAKES: Array[String] = ["view space", "encoded to 0..1", "left-handed", "inward"]
const _MOTION_MISTAKES: Array[String] = ["current - previous", "v up", "in NDC (twice)", "in pixels"]
const _COLOR_MISTAKES: Array[String] = ["sRGB-encoded", "half of it", "red and blue swapped"]


## Each {name, ok, text}. Where the picture itself is mirrored or upside down nothing else can be measured.
static func judge(frames: Array[Dictionary]) -> Array[Dictionary]:
	var findings: Array[Dictionary] = _orientation(frames[0])
	if findings.any(func(finding: Dictionary) -> bool: return not finding["ok"]):
		return findings
	for plane: String in ["depth", "normal", "motion", "color", "albedo", "material"]:
		if (frames[0]["reader"] as RefCounted).call(&"has", plane):
			findings.append(_plane(frames, plane))
	for plane: String in ["object", "label"]:
		if (frames[0]["reader"] as RefCounted).call(&"has", plane):
			findings.append(_object(frames) if plane == "object" else _label(frames))
	findings.append_array(_Golden.call(&"judge", frames))
	return findings


static func finding(convention: String, ok: bool, text: String) -> Dictionary:
	return {"name": convention, "ok": ok, "text": text}


## Where +X is right and +Y is up: the boxes' colours, looked for in all four ways to lay the picture.
static func _orientation(frame: Dictionary) -> Array[Dictionary]:
	var best: Vector2i = Vector2i.ZERO
	var most: float = _alike(frame, Vector2i.ZERO) + 0.1
	for flip: Vector2i in [_MIRRORED, _UPSIDE_DOWN, _MIRRORED + _UPSIDE_DOWN]:
		var alike: float = _alike(frame, flip)
		if alike > most:
			most = alike
			best = flip
	return [
		finding("handedness", best.x == 0, "the red box at +X is %s" % ("right" if best.x == 0 else
			"left; expected: right, as in a right-handed world seen along -Z")),
		finding("up", best.y == 0, "the green box at +Y is %s" % ("above" if best.y == 0 else
			"below; expected: above, with the top row first")),
	]


## Part of the pixels whose colour has the direction that it should have with the picture laid this way.
static func _alike(frame: Dictionary, flip: Vector2i) -> float:
	var truth: RefCounted = frame["truth"]
	var size: Vector2i = truth.get(&"size")
	var boxes: Array[Dictionary] = truth.get(&"boxes")
	var alike: int = 0
	var samples: Array[Dictionary] = truth.call(&"samples")
	for seen: Dictionary in samples:
		var pixel: Vector2i = seen["pixel"]
		var there: Vector2i = pixel + flip * (size - Vector2i.ONE - 2 * pixel)
		var value: Vector4 = frame["reader"].call(&"value", "color", there)
		var color: Vector3 = Vector3(value.x, value.y, value.z)
		if seen["box"] < 0:
			alike += 1 if color.length() < 0.01 else 0
		elif color.length() > 0.01 and color.normalized().dot(_vector(boxes[seen["box"]]["albedo"]).normalized()) > 0.98:
			alike += 1
	return alike / float(samples.size())


static func _plane(frames: Array[Dictionary], plane: String) -> Dictionary:
	var wrong: Dictionary = _compare(frames, plane, "")
	if wrong["part"] <= _ALLOWED:
		return finding(plane, true, "%d pixels, worst error %s" % [wrong["count"], _number(wrong["worst"])])
	var text: String = "measured %s, expected %s at pixel %s" % [
		_channels(plane, wrong["measured"]), _channels(plane, wrong["expected"]), wrong["pixel"]]
	for mistake: String in _mistakes(plane):
		if _compare(frames, plane, mistake)["part"] <= _ALLOWED:
			return finding(plane, false, "%s; it looks like: %s" % [text, mistake])
	return finding(plane, false, "%s; %d %% of the pixels are wrong" % [text, roundi(100.0 * wrong["part"])])


## Part of the pixels that are wrong, and the worst of them.
static func _compare(frames: Array[Dictionary], plane: String, mistake: String) -> Dictionary:
	var result: Dictionary = {"part": 0.0, "worst": 0.0, "count": 0}
	var wrong: int = 0
	for frame: Dictionary in frames:
		var truth: RefCounted = frame["truth"]
		for seen: Dictionary in truth.call(&"samples"):
			var expected: Vector4 = _expected(truth, plane, seen, mistake)
			if is_nan(expected.x):
				continue
			var measured: Vector4 = frame["reader"].call(&"value", plane, seen["pixel"])
			var error: float = _error(plane, measured, expected)
			result["count"] += 1
			wrong += 1 if not error <= _tolerance(plane) else 0  # NaN is wrong
			if not error <= result["worst"]:
				result.merge({"worst": error, "measured": measured, "expected": expected, "pixel": seen["pixel"]}, true)
	result["part"] = wrong / float(maxi(result["count"], 1))
	return result


## The right value, or what [param mistake] would make of it. NaN: nothing is known of this pixel.
static func _expected(truth: RefCounted, plane: String, seen: Dictionary, mistake: String) -> Vector4:
	if seen["box"] < 0:
		return Vector4(INF, 0.0, 0.0, 0.0) if plane == "depth" else Vector4.INF * 0.0
	var box: Dictionary = (truth.get(&"boxes") as Array[Dictionary])[seen["box"]]
	match plane:
		"depth":
			return Vector4(_depth(truth, seen, mistake), 0.0, 0.0, 0.0)
		"normal":
			return _four(_normal(truth, seen["normal"], mistake))
		"motion":
			var motion: Vector2 = _motion(truth, seen["motion"], mistake)
			return Vector4(motion.x, motion.y, 0.0, 0.0)
		"material":
			return Vector4(box["roughness"], box["metallic"], 0.0, 0.0)
	return _four(_color(_vector(box["albedo"]), mistake))


static func _depth(truth: RefCounted, seen: Dictionary, mistake: String) -> float:
	var depth_m: float = seen["depth"]
	match mistake:
		"along the ray, not along the view axis":
			return (seen["point"] as Vector3).distance_to((truth.get(&"camera") as Transform3D).origin)
		"in centimetres":
			return depth_m * 100.0
		"raw device depth":
			return 0.1 * (100.0 - depth_m) / (depth_m * 99.9)
	return depth_m


static func _normal(truth: RefCounted, normal: Vector3, mistake: String) -> Vector3:
	match mistake:
		"view space":
			return (truth.get(&"camera") as Transform3D).basis.inverse() * normal
		"encoded to 0..1":
			return normal * 0.5 + Vector3.ONE * 0.5
		"left-handed":
			return Vector3(normal.x, normal.y, -normal.z)
		"inward":
			return -normal
	return normal


static func _motion(truth: RefCounted, motion: Vector2, mistake: String) -> Vector2:
	match mistake:
		"current - previous":
			return -motion
		"v up":
			return Vector2(motion.x, -motion.y)
		"in NDC (twice)":
			return 2.0 * motion
		"in pixels":
			return motion * Vector2(truth.get(&"size"))
	return motion


static func _color(color: Vector3, mistake: String) -> Vector3:
	match mistake:
		"sRGB-encoded":
			return _vector(Color(color.x, color.y, color.z).linear_to_srgb())
		"half of it":
			return color / 2.0
		"red and blue swapped":
			return Vector3(color.z, color.y, color.x)
	return color


static func _object(frames: Array[Dictionary]) -> Dictionary:
	var id_of_box: Dictionary[int, int] = {}
	for frame: Dictionary in frames:
		for seen: Dictionary in frame["truth"].call(&"samples"):
			var box: int = seen["box"]
			var pixel: Vector2i = seen["pixel"]
			var id: int = frame["reader"].call(&"integer", "object", pixel)
			if box < 0 and id != 0:
				return finding("object", false, "measured id %d in the sky at pixel %s, expected 0" % [id, pixel])
			if box >= 0 and id_of_box.get_or_add(box, id) != id:
				return finding("object", false, "measured id %d at pixel %s, expected %d, as elsewhere on this box" % [
					id, pixel, id_of_box[box]])
	id_of_box.erase(-1)
	var ids: Array[int] = id_of_box.values()
	for id: int in ids:
		if id == 0 or ids.count(id) > 1:
			return finding("object", false, "measured ids %s of the boxes, expected one of its own for each, not 0" % [ids])
	return finding("object", true, "%d boxes, each with one id in all frames" % ids.size())


static func _label(frames: Array[Dictionary]) -> Dictionary:
	for frame: Dictionary in frames:
		var boxes: Array[Dictionary] = frame["truth"].get(&"boxes")
		for seen: Dictionary in frame["truth"].call(&"samples"):
			var measured: int = frame["reader"].call(&"integer", "label", seen["pixel"])
			if seen["box"] >= 0 and measured != boxes[seen["box"]]["label"]:
				return finding("label", false, "measured %d at pixel %s, expected %d" % [
					measured, seen["pixel"], boxes[seen["box"]]["label"]])
	return finding("label", true, "as the groups of the nodes say")


static func _mistakes(plane: String) -> Array[String]:
	match plane:
		"depth":
			return _DEPTH_MISTAKES
		"normal":
			return _NORMAL_MISTAKES
		"motion":
			return _MOTION_MISTAKES
		"color", "albedo":
			return _COLOR_MISTAKES
	return []


## Relative for depth, absolute in the plane's unit for the others; half floats of long motions may be off by more.
static func _error(plane: String, measured: Vector4, expected: Vector4) -> float:
	if plane == "depth":
		return 0.0 if measured.x == expected.x else absf(measured.x - expected.x) / minf(expected.x, 1e9)
	if plane == "material" or plane == "motion":
		var error: float = Vector2(measured.x - expected.x, measured.y - expected.y).length()
		return error / (1.0 + 5.0 * Vector2(expected.x, expected.y).length()) if plane == "motion" else error
	return Vector3(measured.x - expected.x, measured.y - expected.y, measured.z - expected.z).length()


static func _tolerance(plane: String) -> float:
	return {"depth": 1e-3, "normal": 0.03, "motion": 2e-4, "color": 0.01, "albedo": 0.01, "material": 0.03}[plane]


static func _channels(plane: String, value: Vector4) -> String:
	var count: int = {"depth": 1, "motion": 2, "material": 2}.get(plane, 3)
	var parts: PackedStringArray = []
	for i: int in count:
		parts.append(_number(value[i]))
	return "(%s)" % ", ".join(parts) if count > 1 else parts[0]


static func _number(value: float) -> String:
	return String.num(value, 5)


static func _vector(color: Color) -> Vector3:
	return Vector3(color.r, color.g, color.b)


static func _four(value: Vector3) -> Vector4:
	return Vector4(value.x, value.y, value.z, 0.0)

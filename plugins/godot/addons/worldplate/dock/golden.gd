## The camera of a frame, and one point of the world whose numbers are written down: the golden vector of the protocol's
## conventions. Seen from (1, 2, 3) looking along -Z, and before from (0.9, 2, 3), with 60 degrees of vertical field of view
## at 16:9, near 0.1 m and far 100 m.
@tool
extends RefCounted

const POINT: Vector3 = Vector3(1.5, 2.2, -4.0)
const CAMERA: Vector3 = Vector3(1.0, 2.0, 3.0)
const PREVIOUS_CAMERA: Vector3 = Vector3(0.9, 2.0, 3.0)
const DEPTH_M: float = 7.0
const UV: Vector2 = Vector2(0.534796, 0.475256)
const PREVIOUS_UV: Vector2 = Vector2(0.541755, 0.475256)
const MOTION: Vector2 = Vector2(0.006959, 0.0)
const NDC_Z: float = 0.973402  # OpenGL style, -1..1

const _UV_TOLERANCE: float = 2e-5


## [param frames] as in conventions.gd; the first is the golden one.
static func judge(frames: Array[Dictionary]) -> Array[Dictionary]:
	var findings: Array[Dictionary] = []
	for frame: Dictionary in frames:
		findings = [_pose(frame), _projection(frame)]
		if not (findings[0]["ok"] and findings[1]["ok"]):
			return findings
	findings.append(_golden(frames[0]))
	return findings


static func _finding(convention: String, wrong: String, right: String) -> Dictionary:
	return {"name": convention, "ok": wrong.is_empty(), "text": right if wrong.is_empty() else wrong}


## Position and orientation now and before, as the link was told them.
static func _pose(frame: Dictionary) -> Dictionary:
	var camera: PackedFloat64Array = frame["camera"]
	var truth: RefCounted = frame["truth"]
	var wrong: String = _pose_wrong("camera", camera.slice(0, 7), truth.get(&"camera"))
	if wrong.is_empty():
		wrong = _pose_wrong("previous camera", camera.slice(7, 14), truth.get(&"previous_camera"))
	return _finding("pose", wrong, "camera and previous camera are where they were put")


static func _pose_wrong(what: String, pose: PackedFloat64Array, expected: Transform3D) -> String:
	var position: Vector3 = Vector3(pose[0], pose[1], pose[2])
	if position.distance_to(expected.origin) > 1e-4:
		return "measured the %s at %s, expected %s" % [what, position, expected.origin]
	var told: Quaternion = Quaternion(pose[3], pose[4], pose[5], pose[6])
	var right: Quaternion = expected.basis.get_rotation_quaternion()
	if absf(told.dot(right)) > 1.0 - 1e-6:
		return ""
	var text: String = "measured the %s's quaternion %s, expected %s (x, y, z, w; world_from_camera)" % [what, told, right]
	if absf(told.dot(right.inverse())) > 1.0 - 1e-6:
		return text + "; it looks like: camera_from_world"
	if absf(Quaternion(told.y, told.z, told.w, told.x).dot(right)) > 1.0 - 1e-6:
		return text + "; it looks like: w first"
	return text


## Row-major, on column vectors, OpenGL style: z in -1..1, v up, no jitter.
static func _projection(frame: Dictionary) -> Dictionary:
	var truth: RefCounted = frame["truth"]
	var told: PackedFloat64Array = (frame["camera"] as PackedFloat64Array).slice(14, 30)
	var focal: float = truth.call(&"focal_length")
	var size: Vector2i = truth.get(&"size")
	var right: PackedFloat64Array = [focal * size.y / size.x, 0, 0, 0, 0, focal, 0, 0,
		0, 0, -100.1 / 99.9, -20.0 / 99.9, 0, 0, -1, 0]
	for i: int in 16:
		if absf(told[i] - right[i]) > 1e-4:
			return _finding("projection", "measured %s in row %d, column %d, expected %s%s" % [
				String.num(told[i], 5), i / 4, i % 4, String.num(right[i], 5), _projection_mistake(told, right)], "")
	return _finding("projection", "", "row-major, z in -1..1, no jitter")


static func _projection_mistake(told: PackedFloat64Array, right: PackedFloat64Array) -> String:
	if absf(told[11] - right[14]) < 1e-4 and absf(told[14] - right[11]) < 1e-4:
		return "; it looks like: column-major"
	if absf(told[5] + right[5]) < 1e-4:
		return "; it looks like: v down, as the device has it"
	return "; it looks like: another depth range" if absf(told[0] - right[0]) < 1e-4 else ""


static func _golden(frame: Dictionary) -> Dictionary:
	var camera: PackedFloat64Array = frame["camera"]
	var now: Dictionary = _project(camera.slice(0, 7), camera.slice(14, 30))
	var before: Dictionary = _project(camera.slice(7, 14), camera.slice(14, 30))
	var rows: Array[Array] = [
		["uv", now["uv"], UV], ["previous uv", before["uv"], PREVIOUS_UV],
		["motion", (before["uv"] as Vector2) - now["uv"], MOTION],
		["depth", Vector2(now["depth"], 0.0), Vector2(DEPTH_M, 0.0)], ["ndc z", Vector2(now["z"], 0.0), Vector2(NDC_Z, 0.0)],
	]
	for row: Array in rows:
		if (row[1] as Vector2).distance_to(row[2]) > _UV_TOLERANCE:
			return _finding("golden vector", "measured %s %s, expected %s" % row, "")
	return _finding("golden vector", "", "uv, depth and motion of a known point, to 0.00002")


## The golden point through the told camera.
static func _project(pose: PackedFloat64Array, m: PackedFloat64Array) -> Dictionary:
	var basis: Basis = Basis(Quaternion(pose[3], pose[4], pose[5], pose[6]).normalized())
	var view: Vector3 = basis.inverse() * (POINT - Vector3(pose[0], pose[1], pose[2]))
	var w: float = m[12] * view.x + m[13] * view.y + m[14] * view.z + m[15]
	var clip: Vector3 = Vector3(
		m[0] * view.x + m[1] * view.y + m[2] * view.z + m[3], m[4] * view.x + m[5] * view.y + m[6] * view.z + m[7],
		m[8] * view.x + m[9] * view.y + m[10] * view.z + m[11]) / w
	return {"uv": Vector2(0.5 + 0.5 * clip.x, 0.5 - 0.5 * clip.y), "depth": -view.z, "z": clip.z}

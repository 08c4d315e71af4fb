## The self-test's two frames, painted from the truth about its scene, with one thing broken.
extends RefCounted

const Golden: GDScript = preload("res://addons/worldplate/dock/golden.gd")
const PackReader: GDScript = preload("res://addons/worldplate/dock/pack_reader.gd")
const Scene: GDScript = preload("res://addons/worldplate/dock/self_test_scene.gd")

const BYTES: Dictionary[String, int] = {"rgba16f": 8, "rg16f": 4, "r32f": 4, "r32ui": 4, "r8ui": 1}
const PLANES: Dictionary[String, String] = {
	"color": "rgba16f", "depth": "r32f", "normal": "rgba16f", "motion": "rg16f", "albedo": "rgba16f",
	"material": "rg16f", "object": "r32ui", "label": "r8ui",
}

static var _seen: Dictionary[Vector3i, Dictionary] = {}  # Of the pixels of both frames: the same whatever is broken.

var _broken: String
var _layout: Dictionary = {}


func _init(broken: String) -> void:
	_broken = broken
	var offset: int = 0
	for plane: String in PLANES:
		var pitch: int = BYTES[PLANES[plane]] * Scene.SIZE.x
		_layout[plane] = {"offset": offset, "pitch": pitch, "format": PLANES[plane]}
		offset += ceili(pitch * Scene.SIZE.y / 64.0) * 64
	_layout["bytes"] = offset


func frames() -> Array[Dictionary]:
	var scene: SubViewport = Scene.new()
	scene.call(&"move_camera", Transform3D(Basis.IDENTITY, Golden.PREVIOUS_CAMERA))
	scene.call(&"move_camera", Transform3D(Basis.IDENTITY, Golden.CAMERA))
	scene.call(&"move_box", Vector3.ZERO)
	var painted: Array[Dictionary] = [_frame(scene.call(&"truth"), 0)]
	scene.call(&"move_camera", Transform3D(Basis.from_euler(Vector3(-0.06, 0.12, 0.0)), Golden.CAMERA + Vector3(0.1, 0.0, 0.1)))
	scene.call(&"move_box", Vector3(0.1, 0.05, 0.0))
	painted.append(_frame(scene.call(&"truth"), 1))
	scene.free()
	return painted


func _frame(truth: RefCounted, number: int) -> Dictionary:
	var pixels: PackedByteArray = []
	pixels.resize(_layout["bytes"])
	for y: int in Scene.SIZE.y:
		for x: int in Scene.SIZE.x:
			if x % 4 in [0, 3] and y % 4 in [0, 3]:  # What is looked at, also when it is flipped.
				_paint(pixels, Vector2i(x, y), truth, number)
	return {"reader": PackReader.new(pixels, _layout, Scene.SIZE), "camera": _camera(truth), "truth": truth}


func _paint(pixels: PackedByteArray, at: Vector2i, truth: RefCounted, number: int) -> void:
	var from: Vector2i = at
	if _broken in ["mirrored", "turned around"]:
		from.x = Scene.SIZE.x - 1 - at.x
	if _broken in ["upside down", "turned around"]:
		from.y = Scene.SIZE.y - 1 - at.y
	var key: Vector3i = Vector3i(from.x, from.y, number)
	var seen: Dictionary = _seen.get_or_add(key, {})
	if seen.is_empty():
		seen.merge(truth.call(&"at", from))
	var box: Dictionary = {"albedo": Color.BLACK, "roughness": 0.0, "metallic": 0.0, "label": 1, "name": "sky"}
	if seen["box"] >= 0:
		box = (truth.get(&"boxes") as Array[Dictionary])[seen["box"]]
	var index: int = at.y * Scene.SIZE.x + at.x
	_write_halves(pixels, "color", index, _three(_shown_color(box["albedo"], "color")))
	_write_halves(pixels, "albedo", index, _three(_shown_color(box["albedo"], "albedo")))
	_write_halves(pixels, "normal", index, _normal(truth, seen["normal"]))
	_write_halves(pixels, "motion", index, _motion(seen, box))
	_write_halves(pixels, "material", index, _material(box))
	pixels.encode_float(int(_layout["depth"]["offset"]) + 4 * index, _depth(truth, seen))
	pixels.encode_u32(int(_layout["object"]["offset"]) + 4 * index, _object(int(seen["box"]) + 1, number))
	pixels.encode_u8(int(_layout["label"]["offset"]) + index, int(box["label"]) + int(_broken == "labels off by one"))


func _write_halves(pixels: PackedByteArray, plane: String, index: int, channels: Array[float]) -> void:
	var begin: int = int(_layout[plane]["offset"]) + BYTES[PLANES[plane]] * index
	for i: int in channels.size():
		pixels.encode_half(begin + 2 * i, channels[i])


func _shown_color(color: Color, plane: String) -> Color:
	if _broken == plane + " in sRGB":
		return color.linear_to_srgb()
	return color * 0.5 if _broken == plane + " with exposure" else color


func _three(color: Color) -> Array[float]:
	return [color.r, color.g, color.b]


func _normal(truth: RefCounted, normal: Vector3) -> Array[float]:
	match _broken:
		"normal in view space":
			normal = (truth.get(&"camera") as Transform3D).basis.transposed() * normal
		"normal encoded":
			normal = (normal + Vector3.ONE) / 2.0
		"normal inward":
			normal = -normal
	return [normal.x, normal.y, normal.z]


func _motion(seen: Dictionary, box: Dictionary) -> Array[float]:
	var motion: Vector2 = seen["motion"]
	match _broken:
		"motion from before to now":
			motion = -motion
		"motion with v up":
			motion.y = -motion.y
		"motion in pixels":
			motion *= Vector2(Scene.SIZE)
		"motion of bodies missing":
			motion = Vector2.ZERO if box["name"] == "moving" else motion
	return [motion.x, motion.y]


func _material(box: Dictionary) -> Array[float]:
	if _broken == "roughness for metallic":
		return [box["metallic"], box["roughness"]]
	return [box["roughness"], box["metallic"]]


func _depth(truth: RefCounted, seen: Dictionary) -> float:
	var depth_m: float = seen["depth"]
	if is_inf(depth_m):
		return 100.0 if _broken == "no infinity" else depth_m
	match _broken:
		"depth along the ray":
			return ((truth.get(&"camera") as Transform3D).origin - seen["point"]).length()
		"depth in centimetres":
			return depth_m * 100.0
		"device depth":
			return (10.0 / depth_m - 0.1) / 99.9
	return depth_m


func _object(id: int, number: int) -> int:
	match _broken:
		"one id for all":
			return 7 if id > 0 else 0
		"ids that change":
			return id + 10 * number if id > 0 else 0
		"id in the sky":
			return id + 1
	return id


## The 36 numbers of WorldplateLink.begin_frame.
func _camera(truth: RefCounted) -> PackedFloat64Array:
	var now: Transform3D = truth.get(&"camera")
	var before: Transform3D = truth.get(&"previous_camera")
	if _broken == "camera a metre off":
		now.origin.y += 1.0
	var numbers: PackedFloat64Array = _pose(now)
	numbers.append_array(_pose(now if _broken == "previous camera as now" else before))
	numbers.append_array(_projection())
	numbers.append_array(PackedFloat64Array([0.0, 0.0, 0.1, 100.0, 0.0, 0.0]))
	return numbers


func _pose(pose: Transform3D) -> PackedFloat64Array:
	var q: Quaternion = pose.basis.get_rotation_quaternion()
	if _broken == "camera_from_world":
		q = q.inverse()
	var p: Vector3 = pose.origin
	if _broken == "quaternion with w first":
		return [p.x, p.y, p.z, q.w, q.x, q.y, q.z]
	return [p.x, p.y, p.z, q.x, q.y, q.z, q.w]


func _projection() -> PackedFloat64Array:
	var p: Projection = Projection.create_perspective(75.0 if _broken == "lens of another angle" else 60.0, 16.0 / 9.0, 0.1, 100.0)
	if _broken == "projection with v down":
		p.y = -p.y
	if _broken == "projection with z in 0..1":
		p.z.z = -100.0 / 99.9
		p.w.z = -10.0 / 99.9
	var rows: PackedFloat64Array = []
	for i: int in 4:
		for j: int in 4:
			rows.append(p[i][j] if _broken == "projection by columns" else p[j][i])
	return rows

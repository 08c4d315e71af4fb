## Frames of engine state and of pixels, as small as the protocol allows them to be interesting.
extends RefCounted

const PLANES: Array = [["color", "rgba16f"], ["depth", "r32f"], ["object", "r32ui"]]

var width: int
var height: int
var body_count: int
var camera: PackedFloat64Array = PackedFloat64Array()
var ids: PackedInt64Array = PackedInt64Array()
var labels: PackedByteArray = PackedByteArray()
var poses: PackedFloat64Array = PackedFloat64Array()
var velocities: PackedFloat32Array = PackedFloat32Array()
var contact_ids: PackedInt64Array = PackedInt64Array()
var contact_points: PackedFloat32Array = PackedFloat32Array()
var _random: RandomNumberGenerator = RandomNumberGenerator.new()


func _init(size: Vector2i, bodies: int) -> void:
	width = size.x
	height = size.y
	body_count = bodies
	_random.seed = 1
	_make_camera()
	for i: int in bodies:
		ids.append(i + 1)
		labels.append(6)
		poses.append_array(PackedFloat64Array([i, 0.5, -5.0, 0.0, 0.0, 0.0, 1.0]))
		velocities.append_array(PackedFloat32Array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
	if bodies > 1:
		contact_ids = PackedInt64Array([1, 2])
		contact_points = PackedFloat32Array([0.5, 0.5, -5.0, 9.81])


## 60 degrees of vertical field of view, near 0.1 m, far 100 m, at the world's origin.
func _make_camera() -> void:
	var pose: PackedFloat64Array = PackedFloat64Array([0.0, 1.5, 0.0, 0.0, 0.0, 0.0, 1.0])
	var near: float = 0.1
	var far: float = 100.0
	var f: float = 1.0 / tan(deg_to_rad(30.0))
	camera.append_array(pose)
	camera.append_array(pose)
	camera.append_array(PackedFloat64Array([f * height / width, 0, 0, 0, 0, f, 0, 0]))
	camera.append_array(PackedFloat64Array([0, 0, (far + near) / (near - far), 2 * far * near / (near - far), 0, 0, -1, 0]))
	camera.append_array(PackedFloat64Array([0.0, 0.0, near, far, 0.0, 0.0]))


func settings(connection: String, inline_only: bool) -> Dictionary:
	return {
		"width": width, "height": height, "planes": PLANES, "name": "link test", "engine": "Godot",
		"connection_file": connection, "inline_only": inline_only,
	}


func begin(link: WorldplateLink) -> int:
	return link.begin_frame(
		camera, ids, labels, poses, poses, velocities, contact_ids, contact_points, 0, link.now_ns())


## Colour of random halves in 0..2 and alpha in 0..1, depth 5 m, object 1.
func pixels(layout: Dictionary) -> PackedByteArray:
	var bytes: PackedByteArray = PackedByteArray()
	bytes.resize(layout["bytes"])
	var at: int = layout["color"]["offset"]
	for i: int in width * height:
		bytes.encode_u32(at + 8 * i, _random.randi() & 0x3FFF3FFF)
		bytes.encode_u32(at + 8 * i + 4, _random.randi() & 0x3BFF3FFF)
	for i: int in width * height:
		bytes.encode_float(layout["depth"]["offset"] + 4 * i, 5.0)
		bytes.encode_u32(layout["object"]["offset"] + 4 * i, 1)
	return bytes


## The colour plane of such pixels.
func color(bytes: PackedByteArray, layout: Dictionary) -> PackedByteArray:
	var at: int = layout["color"]["offset"]
	return bytes.slice(at, at + 8 * width * height)

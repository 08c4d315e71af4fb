## What a camera sees of axis-aligned boxes, from the formulas of projection alone: nothing of the engine's renderer is
## asked. World space: right-handed, +Y up, metres; uv from the top left.
@tool
extends RefCounted

## Vertical field of view, degrees.
const FOV_DEG: float = 60.0
const NEAR_M: float = 0.1
const FAR_M: float = 100.0

## Each {name, center, previous_center, size, label, albedo (linear), roughness, metallic}; positions are Vector3.
var boxes: Array[Dictionary] = []
var camera: Transform3D
var previous_camera: Transform3D
var size: Vector2i

var _samples: Array[Dictionary] = []


## Every fourth pixel of every fourth row that is well inside a side of a box or of the sky: what [method at] says, and
## the pixel.
func samples() -> Array[Dictionary]:
	if _samples.is_empty():
		for y: int in range(4, size.y - 4, 4):
			for x: int in range(4, size.x - 4, 4):
				var seen: Dictionary = at(Vector2i(x, y))
				if _is_inside(Vector2i(x, y), seen):
					_samples.append(seen.merged({"pixel": Vector2i(x, y)}))
	return _samples


## What is seen at a pixel: {box: index or -1, depth, normal, motion, point}.
func at(pixel: Vector2i) -> Dictionary:
	var direction: Vector3 = camera.basis * _view_direction((Vector2(pixel) + Vector2(0.5, 0.5)) / Vector2(size))
	var seen: Dictionary = {"box": -1, "depth": INF, "normal": Vector3.ZERO, "motion": Vector2.ZERO}
	for i: int in boxes.size():
		var hit: Dictionary = _hit(boxes[i], direction)
		if hit.get("depth", INF) < seen["depth"]:
			seen.merge(hit, true)
			seen["box"] = i
	if seen["box"] >= 0:
		seen["motion"] = _motion(boxes[seen["box"]], seen["point"])
	return seen


func _is_inside(pixel: Vector2i, seen: Dictionary) -> bool:
	for step: Vector2i in [Vector2i(2, 0), Vector2i(-2, 0), Vector2i(0, 2), Vector2i(0, -2)]:
		var beside: Dictionary = at(pixel + step)
		if beside["box"] != seen["box"] or beside["normal"] != seen["normal"]:
			return false
	return true


## Where a point of world space lies in the picture of a camera.
func uv_of(point: Vector3, world_from_camera: Transform3D) -> Vector2:
	var view: Vector3 = world_from_camera.affine_inverse() * point
	var focal: float = focal_length()
	var clip: Vector2 = Vector2(focal * size.y / size.x * view.x, focal * view.y) / -view.z
	return Vector2(0.5 + 0.5 * clip.x, 0.5 - 0.5 * clip.y)


## Of the projection: clip.y is this times view.y.
func focal_length() -> float:
	return 1.0 / tan(deg_to_rad(FOV_DEG) / 2.0)


## View space; scaled so that a step of 1 is a metre of view-space depth.
func _view_direction(uv: Vector2) -> Vector3:
	var focal: float = focal_length()
	return Vector3((2.0 * uv.x - 1.0) * size.x / size.y / focal, (1.0 - 2.0 * uv.y) / focal, -1.0)


func _hit(box: Dictionary, direction: Vector3) -> Dictionary:
	var enter: float = -INF
	var leave: float = INF
	var normal: Vector3 = Vector3.ZERO
	for axis: int in 3:
		var from_center: float = camera.origin[axis] - box["center"][axis]
		var half: float = box["size"][axis] / 2.0
		if is_zero_approx(direction[axis]):
			if absf(from_center) > half:
				return {}
			continue
		var towards: float = signf(direction[axis])
		if (-towards * half - from_center) / direction[axis] > enter:
			enter = (-towards * half - from_center) / direction[axis]
			normal = Vector3.ZERO
			normal[axis] = -towards
		leave = minf(leave, (towards * half - from_center) / direction[axis])
	if enter > leave or enter < NEAR_M:
		return {}
	return {"depth": enter, "normal": normal, "point": camera.origin + enter * direction}


## previous_uv - current_uv, v down.
func _motion(box: Dictionary, point: Vector3) -> Vector2:
	var before: Vector3 = point + (box["previous_center"] - box["center"])
	return uv_of(before, previous_camera) - uv_of(point, camera)

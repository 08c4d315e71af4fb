extends RefCounted
## Stands where the link is, and notes what each frame is told to be.

## {poses, previous_poses, ...} of each frame, in order.
var frames: Array[Dictionary] = []


func begin_frame(
	camera: PackedFloat64Array, ids: PackedInt64Array, labels: PackedByteArray, poses: PackedFloat64Array,
	previous_poses: PackedFloat64Array, velocities: PackedFloat32Array, contact_ids: PackedInt64Array,
	contact_points: PackedFloat32Array, reset: int, _captured_ns: int
) -> int:
	frames.append({
		"camera": camera, "ids": Array(ids), "labels": Array(labels), "poses": poses, "previous_poses": previous_poses,
		"velocities": velocities, "contact_ids": Array(contact_ids), "contact_points": contact_points, "reset": reset,
	})
	return frames.size()


func now_ns() -> int:
	return 1000 * Time.get_ticks_usec()


func wants_pixels() -> bool:
	return false


func present() -> Dictionary:
	return {"plate": 0, "target": 0}

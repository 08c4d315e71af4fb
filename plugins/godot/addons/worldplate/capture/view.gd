## The camera that a frame was rendered with, out of what the renderer itself used.
@tool
extends RefCounted

static var _physical_units: bool = ProjectSettings.get_setting_with_override(
	&"rendering/lights_and_shadows/use_physical_light_units")  # Of the engine's start, which is when the engine reads it.


## The lens of the camera node, taken on the main thread: what the renderer's matrices do not tell.
## {near, far, offset: off-centre terms of the projection, focal_mm, sensor_mm, exposure}
static func lens_of(camera: Camera3D) -> Dictionary:
	var projection: Projection = camera.get_camera_projection()
	var attributes: CameraAttributes = _attributes(camera)
	var physical: CameraAttributesPhysical = attributes as CameraAttributesPhysical
	return {
		"near": camera.near, "far": camera.far, "offset": Vector2(projection.z.x, projection.z.y),
		"orthogonal": camera.projection == Camera3D.PROJECTION_ORTHOGONAL,
		"focal_mm": physical.frustum_focal_length if physical != null else 0.0,
		"sensor_mm": SENSOR_MM if physical != null else 0.0, "exposure": _exposure(attributes),
	}


## Godot's physical cameras have a 36 x 24 mm sensor whose height is kept.
const SENSOR_MM: float = 36.0


static func _attributes(camera: Camera3D) -> CameraAttributes:
	if camera.attributes != null:
		return camera.attributes
	return camera.get_world_3d().camera_attributes if camera.is_inside_tree() else null


## What the engine has multiplied the light with.
static func _exposure(attributes: CameraAttributes) -> float:
	if attributes == null:
		return 1.0
	var normalisation: float = 1.0
	if _physical_units:
		normalisation = _normalisation(attributes)
	return attributes.exposure_multiplier * normalisation


static func _normalisation(attributes: CameraAttributes) -> float:
	var physical: CameraAttributesPhysical = attributes as CameraAttributesPhysical
	if physical == null:
		return attributes.exposure_sensitivity / 3072007.0  # As if it were a physical camera at its defaults.
	var aperture: float = physical.exposure_aperture
	return 1.0 / (aperture * aperture * physical.exposure_shutter_speed * 100.0 / physical.exposure_sensitivity * 1.2)


## Without a node to ask: a lens on the axis, near and far from the renderer's matrix.
static func guess_lens(device: Projection) -> Dictionary:
	return {
		"near": device.w.z / (1.0 + device.z.z), "far": device.w.z / device.z.z, "offset": Vector2.ZERO,
		"orthogonal": device.z.w == 0.0, "focal_mm": 0.0, "sensor_mm": 0.0, "exposure": 1.0,
	}


## What capture.gd and the link need to know. [param device] is the renderer's projection: reverse-Z, y down, jittered.
## [param previous]: what this gave for the frame before; empty after a break in time.
static func of(pose: Transform3D, device: Projection, lens: Dictionary, size: Vector2i, previous: Dictionary) -> Dictionary:
	var projection: Projection = gl_projection(device, lens)
	var flip: float = -1.0 if device.y.y < 0.0 else 1.0
	var offset: Vector2 = lens["offset"]
	# The renderer adds the jitter to clip x and y times w, and w is -z.
	var jitter: Vector2 = Vector2(offset.x - device.z.x, flip * offset.y - device.z.y)
	var before: Dictionary = {"pose": pose, "projection": projection}
	before.merge(previous, true)
	var previous_view_from_view: Transform3D = (before["pose"] as Transform3D).affine_inverse() * pose
	var turn: Transform3D = Transform3D(previous_view_from_view.basis, Vector3.ZERO)
	return {
		"pose": pose, "projection": projection, "previous_pose": before["pose"], "lens_mm": lens,
		"previous_clip_from_view": before["projection"] * Projection(previous_view_from_view),
		"previous_clip_from_far": before["projection"] * Projection(turn),
		"lens": Vector4(projection.x.x, projection.y.y, offset.x, offset.y),
		"depth": Vector2(device.z.z, device.w.z), "jitter_ndc": Vector2(jitter.x, flip * jitter.y),
		"jitter_px": Vector2(jitter.x * size.x, jitter.y * size.y) * 0.5, "motion_known": not previous.is_empty(),
	}


## clip_from_view in OpenGL's form, z in -1..1, y up, without jitter.
static func gl_projection(device: Projection, lens: Dictionary) -> Projection:
	var offset: Vector2 = lens["offset"]
	var near: float = lens["near"]
	var far: float = lens["far"]
	return Projection(
		Vector4(device.x.x, 0.0, 0.0, 0.0), Vector4(0.0, absf(device.y.y), 0.0, 0.0),
		Vector4(offset.x, offset.y, -(far + near) / (far - near), -1.0),
		Vector4(0.0, 0.0, -2.0 * far * near / (far - near), 0.0))


## The 36 numbers that the link takes.
static func numbers(view: Dictionary) -> PackedFloat64Array:
	var told: PackedFloat64Array = pose_numbers(view["pose"])
	told.append_array(pose_numbers(view["previous_pose"]))
	var p: Projection = view["projection"]
	for row: int in 4:
		told.append_array([p.x[row], p.y[row], p.z[row], p.w[row]])
	var lens: Dictionary = view["lens_mm"]
	var jitter: Vector2 = view["jitter_px"]
	told.append_array([jitter.x, jitter.y, lens["near"], lens["far"], lens["focal_mm"], lens["sensor_mm"]])
	return told


## Position and quaternion x, y, z, w.
static func pose_numbers(pose: Transform3D) -> PackedFloat64Array:
	var turn: Quaternion = pose.basis.orthonormalized().get_rotation_quaternion()
	return [pose.origin.x, pose.origin.y, pose.origin.z, turn.x, turn.y, turn.z, turn.w]

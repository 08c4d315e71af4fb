## The bodies of the physics as they are drawn: poses, velocities, contacts. To be used on the main thread.
##
## Rigid, character, animatable and vehicle bodies of one world, found when they enter the tree; users' scripts need do
## nothing. Contacts are those of rigid bodies whose Contact Monitor is on. A body that sleeps costs next to nothing.
@tool
extends RefCounted

const _View: GDScript = preload("res://addons/worldplate/capture/view.gd")
const _Things: GDScript = preload("res://addons/worldplate/capture/things.gd")
const _POSE: int = 7  # Numbers of a pose.
const _NEVER: Transform3D = Transform3D(Basis(), Vector3.INF)

var _things: _Things
var _world: World3D
var _interpolated: bool = false
var _look: int = 0  # Whose label is looked at next: one each frame.
# One entry for each body, and as of the last frame.
var _bodies: Array[PhysicsBody3D] = []
var _ids: PackedInt64Array = []
var _labels: PackedByteArray = []
var _poses: Array[Transform3D] = []
var _numbers: PackedFloat64Array = []  # _poses as the link takes them.


func _init(things: _Things) -> void:
	_things = things


func watch(world: World3D, root: Node) -> void:
	_world = world
	_bodies.clear()
	_ids.clear()
	_labels.clear()
	_poses.clear()
	_numbers.clear()
	for node: Node in root.find_children("*", "PhysicsBody3D", true, false):
		add(node)


func add(node: Node) -> void:
	var body: PhysicsBody3D = node as PhysicsBody3D
	if body == null or body is PhysicalBone3D or body is StaticBody3D and not body is AnimatableBody3D:
		return
	if body.get_world_3d() != _world:
		return
	_bodies.append(body)
	_ids.append(_things.id_of(body))
	_labels.append(_Things.label_of(body))
	_poses.append(_NEVER)
	_numbers.resize(_POSE * _bodies.size())


func remove(node: Node) -> void:
	var at: int = _bodies.find(node) if node is PhysicsBody3D else -1
	if at < 0:
		return
	_bodies.remove_at(at)
	_ids.remove_at(at)
	_labels.remove_at(at)
	_poses.remove_at(at)
	_numbers = _numbers.slice(0, _POSE * at) + _numbers.slice(_POSE * (at + 1))


## What link.begin_frame takes. Previous poses are those of the call before; after a [param reset] those of now.
func gather(reset: bool) -> Dictionary:
	_look_again()
	_interpolated = not _bodies.is_empty() and _bodies[0].get_tree().physics_interpolation
	var before: PackedFloat64Array = _numbers.duplicate()
	var velocities: PackedFloat32Array = []
	velocities.resize(6 * _bodies.size())
	for i: int in _bodies.size():
		var body: PhysicsBody3D = _bodies[i]
		_take_pose(i, body, before)
		if body is RigidBody3D and (body as RigidBody3D).sleeping:
			continue
		var v: Vector3 = _linear_velocity(body)
		var w: Vector3 = _angular_velocity(body)
		var at: int = 6 * i
		velocities[at] = v.x
		velocities[at + 1] = v.y
		velocities[at + 2] = v.z
		velocities[at + 3] = w.x
		velocities[at + 4] = w.y
		velocities[at + 5] = w.z
	var state: Dictionary = {
		"ids": _ids.duplicate(), "labels": _labels.duplicate(), "poses": _numbers.duplicate(),
		"previous_poses": _numbers.duplicate() if reset else before, "velocities": velocities,
	}
	state.merge(_contacts())
	return state


## [param before] gets the pose of now where there was none.
func _take_pose(i: int, body: PhysicsBody3D, before: PackedFloat64Array) -> void:
	var interpolated: bool = _interpolated and body.is_physics_interpolated_and_enabled()
	var pose: Transform3D = body.get_global_transform_interpolated() if interpolated else body.global_transform
	if pose == _poses[i]:
		return
	var told: PackedFloat64Array = _View.pose_numbers(pose)
	var fresh: bool = _poses[i] == _NEVER
	for n: int in _POSE:
		_numbers[_POSE * i + n] = told[n]
		if fresh:
			before[_POSE * i + n] = told[n]
	_poses[i] = pose


func _look_again() -> void:
	if _bodies.is_empty():
		return
	_look = (_look + 1) % _bodies.size()
	_labels[_look] = _Things.label_of(_bodies[_look])


## m/s, world space.
static func _linear_velocity(body: PhysicsBody3D) -> Vector3:
	if body is RigidBody3D:
		return (body as RigidBody3D).linear_velocity
	if body is CharacterBody3D:
		return (body as CharacterBody3D).get_real_velocity()
	return PhysicsServer3D.body_get_state(body.get_rid(), PhysicsServer3D.BODY_STATE_LINEAR_VELOCITY)


## rad/s, world space.
static func _angular_velocity(body: PhysicsBody3D) -> Vector3:
	if body is RigidBody3D:
		return (body as RigidBody3D).angular_velocity
	return PhysicsServer3D.body_get_state(body.get_rid(), PhysicsServer3D.BODY_STATE_ANGULAR_VELOCITY)


func _contacts() -> Dictionary:
	var ids: PackedInt64Array = []
	var points: PackedFloat32Array = []
	var step_s: float = 1.0 / Engine.physics_ticks_per_second
	for i: int in _bodies.size():
		var body: RigidBody3D = _bodies[i] as RigidBody3D
		if body == null or not body.contact_monitor or body.get_contact_count() == 0:
			continue
		var state: PhysicsDirectBodyState3D = PhysicsServer3D.body_get_direct_state(body.get_rid())
		for n: int in state.get_contact_count():
			var other: Node = state.get_contact_collider_object(n) as Node
			if other == null:
				continue
			var at: Vector3 = state.get_contact_collider_position(n)
			ids.append_array([_ids[i], _things.id_of(other)])
			var push: float = absf(state.get_contact_impulse(n).dot(state.get_contact_local_normal(n)))
			points.append_array([at.x, at.y, at.z, push / step_s])
	return {"contact_ids": ids, "contact_points": points}

## The bodies of the physics as they are drawn: poses, velocities, contacts. To be used on the main thread.
##
## Rigid, character, animatable and vehicle bodies of one world, found when they enter the tree; users' scripts need do
## nothing. Contacts are those of rigid bodies whose Contact Monitor is on.
@tool
extends RefCounted

const _View: GDScript = preload("res://addons/worldplate/capture/view.gd")
const _Things: GDScript = preload("res://addons/worldplate/capture/things.gd")

var _things: _Things
var _world: World3D
var _bodies: Array[PhysicsBody3D] = []
var _labels: Dictionary[int, int] = {}  # By object id.
var _look: int = 0  # Whose label is looked at next: one each frame.
var _previous: Dictionary[int, Transform3D] = {}  # Pose in the frame before, by object id.


func _init(things: _Things) -> void:
	_things = things


func watch(world: World3D, root: Node) -> void:
	_world = world
	_bodies.clear()
	for node: Node in root.find_children("*", "PhysicsBody3D", true, false):
		add(node)


func add(node: Node) -> void:
	var body: PhysicsBody3D = node as PhysicsBody3D
	if body == null or body is PhysicalBone3D or body is StaticBody3D and not body is AnimatableBody3D:
		return
	if body.get_world_3d() == _world:
		_bodies.append(body)
		_labels[_things.id_of(body)] = _Things.label_of(body)


func remove(node: Node) -> void:
	if node is PhysicsBody3D:
		_bodies.erase(node as PhysicsBody3D)


## What link.begin_frame takes. Previous poses are those of the call before; after a [param reset] those of now.
func gather(reset: bool) -> Dictionary:
	var ids: PackedInt64Array = []
	var labels: PackedByteArray = []
	var poses: PackedFloat64Array = []
	var before: PackedFloat64Array = []
	var velocities: PackedFloat32Array = []
	var now: Dictionary[int, Transform3D] = {}
	_look_again()
	for body: PhysicsBody3D in _bodies:
		var id: int = _things.id_of(body)
		var interpolated: bool = body.is_physics_interpolated_and_enabled()
		var pose: Transform3D = body.get_global_transform_interpolated() if interpolated else body.global_transform
		now[id] = pose
		ids.append(id)
		labels.append(_labels[id])
		var told: PackedFloat64Array = _View.pose_numbers(pose)
		poses.append_array(told)
		var old: Transform3D = pose if reset else _previous.get(id, pose)
		before.append_array(told if old == pose else _View.pose_numbers(old))
		velocities.append_array(_velocity(body))
	_previous = now
	var state: Dictionary = {"ids": ids, "labels": labels, "poses": poses, "previous_poses": before, "velocities": velocities}
	state.merge(_contacts())
	return state


func _look_again() -> void:
	if _bodies.is_empty():
		return
	_look = (_look + 1) % _bodies.size()
	_labels[_things.id_of(_bodies[_look])] = _Things.label_of(_bodies[_look])


## Linear m/s and angular rad/s, world space.
static func _velocity(body: PhysicsBody3D) -> PackedFloat32Array:
	var rigid: RigidBody3D = body as RigidBody3D
	if rigid != null:
		var v: Vector3 = rigid.linear_velocity
		var w: Vector3 = rigid.angular_velocity
		return [v.x, v.y, v.z, w.x, w.y, w.z]
	var rid: RID = body.get_rid()
	var linear: Vector3 = PhysicsServer3D.body_get_state(rid, PhysicsServer3D.BODY_STATE_LINEAR_VELOCITY)
	var angular: Vector3 = PhysicsServer3D.body_get_state(rid, PhysicsServer3D.BODY_STATE_ANGULAR_VELOCITY)
	if body is CharacterBody3D:
		linear = (body as CharacterBody3D).get_real_velocity()
	return [linear.x, linear.y, linear.z, angular.x, angular.y, angular.z]


func _contacts() -> Dictionary:
	var ids: PackedInt64Array = []
	var points: PackedFloat32Array = []
	var step_s: float = 1.0 / Engine.physics_ticks_per_second
	for node: PhysicsBody3D in _bodies:
		var body: RigidBody3D = node as RigidBody3D
		if body == null or not body.contact_monitor or body.get_contact_count() == 0:
			continue
		var state: PhysicsDirectBodyState3D = PhysicsServer3D.body_get_direct_state(body.get_rid())
		for i: int in state.get_contact_count():
			var other: Node = state.get_contact_collider_object(i) as Node
			if other == null:
				continue
			var at: Vector3 = state.get_contact_collider_position(i)
			ids.append_array([_things.id_of(body), _things.id_of(other)])
			points.append_array([at.x, at.y, at.z, state.get_contact_impulse(i).length() / step_s])
	return {"contact_ids": ids, "contact_points": points}

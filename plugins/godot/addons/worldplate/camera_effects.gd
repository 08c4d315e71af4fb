@tool
extends RefCounted
## Puts one effect behind those that a camera shows, and takes it away again.
##
## The camera is changed in the RenderingServer alone. Its node, and a Compositor that may be saved in the scene or
## shared with other cameras, stay as the user left them.

var _camera: Camera3D
var _effect: CompositorEffect
var _mixed: Compositor  # The camera's own effects, and ours last.


func attach(camera: Camera3D, effect: CompositorEffect) -> void:
	detach()
	_camera = camera
	_effect = effect
	_mixed = Compositor.new()
	_mixed.compositor_effects = _with_ours()
	RenderingServer.camera_set_compositor(_camera.get_camera_rid(), _mixed.get_rid())


## To be called now and then: follows what the user does to the camera's compositor, or to that of the world.
func refresh() -> void:
	if not is_instance_valid(_camera) or not _camera.is_inside_tree():
		return
	var wanted: Array[CompositorEffect] = _with_ours()
	if _mixed.compositor_effects != wanted:
		_mixed.compositor_effects = wanted
	RenderingServer.camera_set_compositor(_camera.get_camera_rid(), _mixed.get_rid())


func detach() -> void:
	if is_instance_valid(_camera):
		var own: RID = _camera.compositor.get_rid() if _camera.compositor else RID()
		RenderingServer.camera_set_compositor(_camera.get_camera_rid(), own)
	_camera = null
	_effect = null
	_mixed = null


func _with_ours() -> Array[CompositorEffect]:
	var own: Compositor = _camera.compositor if _camera.compositor else _world_compositor()
	var effects: Array[CompositorEffect] = []
	if own != null:
		effects.assign(own.compositor_effects.filter(func(effect: CompositorEffect) -> bool: return effect != null))
	effects.append(_effect)
	return effects


## A camera without a compositor shows the one of its world, which ours would hide. The world names it nowhere but in
## this group, whose first node counts.
func _world_compositor() -> Compositor:
	var scenario: RID = _camera.get_world_3d().scenario
	var node: Node = _camera.get_tree().get_first_node_in_group("_world_compositor_%d" % scenario.get_id())
	return (node as WorldEnvironment).compositor if node is WorldEnvironment else null

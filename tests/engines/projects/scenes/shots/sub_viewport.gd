extends "res://shots/boxes.gd"
## The camera of a SubViewport with a world of its own; a thing of the window's world stands where it would be seen.

var _viewport: SubViewport = SubViewport.new()


func set_up() -> void:
	_viewport.size = Vector2i(240, 160)
	_viewport.own_world_3d = true
	_viewport.render_target_update_mode = SubViewport.UPDATE_ALWAYS
	add_child(_viewport)
	world = _viewport
	super()
	var elsewhere: MeshInstance3D = MeshInstance3D.new()
	elsewhere.mesh = BoxMesh.new()
	elsewhere.position = Vector3(0.0, 2.0, 2.0)
	add_child(elsewhere)

extends "res://shots/boxes.gd"
## MSAA: the planes are of the resolved buffers.


func set_up() -> void:
	super()
	get_viewport().msaa_3d = Viewport.MSAA_4X


func tear_down() -> void:
	super()
	get_viewport().msaa_3d = Viewport.MSAA_DISABLED

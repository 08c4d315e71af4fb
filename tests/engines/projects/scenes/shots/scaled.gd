extends "res://shots/boxes.gd"
## 3D drawn smaller than the viewport: planes have the internal size.


func set_up() -> void:
	super()
	get_viewport().scaling_3d_scale = 0.6


func tear_down() -> void:
	super()
	get_viewport().scaling_3d_scale = 1.0

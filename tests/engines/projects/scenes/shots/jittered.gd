extends "res://shots/boxes.gd"
## TAA: every frame is drawn a part of a pixel beside the one before.


func set_up() -> void:
	super()
	get_viewport().use_taa = true


func tear_down() -> void:
	super()
	get_viewport().use_taa = false

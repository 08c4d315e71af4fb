extends "res://shots/boxes.gd"
## A camera whose picture is not centred on its axis.

const HEIGHT_M: float = 0.12  # Of the near plane.
const OFFSET_M: Vector2 = Vector2(0.03, -0.015)


func set_up() -> void:
	super()
	camera.set_frustum(HEIGHT_M, OFFSET_M, 0.1, 100.0)


func look() -> Dictionary:
	var stage: Dictionary = super()
	stage["lens"] = {"tan": HEIGHT_M / 2.0 / 0.1, "center": [OFFSET_M.x / 0.1, OFFSET_M.y / 0.1]}
	return stage

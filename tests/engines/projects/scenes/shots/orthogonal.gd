extends "res://shots/boxes.gd"
## A camera that is orthogonal for some frames, and then as before.

const FROM: int = 5
const TO: int = 8


func _init() -> void:
	frames = TO + 3
	first_dumped = TO


func step(k: int) -> void:
	super(k)
	camera.projection = Camera3D.PROJECTION_ORTHOGONAL if k >= FROM and k < TO else Camera3D.PROJECTION_PERSPECTIVE

extends "res://shots/boxes.gd"
## The window changes its size between two frames, twice.

const SIZES: Dictionary[int, Vector2i] = {6: Vector2i(288, 170), 9: Vector2i(320, 180)}


func _init() -> void:
	frames = 12


func step(k: int) -> void:
	super(k)
	if SIZES.has(k):
		get_window().size = SIZES[k]

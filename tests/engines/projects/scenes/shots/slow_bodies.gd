extends "res://shots/bodies.gd"
## The same with a physics that is slower than the frames: bodies stand still in most of them, with no motion left.


func _init() -> void:
	frames = 40
	first_dumped = 30


func set_up() -> void:
	Engine.physics_ticks_per_second = 12
	super()


func tear_down() -> void:
	super()
	Engine.physics_ticks_per_second = 60

extends "res://shots/boxes.gd"
## Physics interpolation: what moves in ten steps a second is drawn in between.

var _body: AnimatableBody3D = AnimatableBody3D.new()
var _ticks: int = 0


func _init() -> void:
	frames = 14


func set_up() -> void:
	get_tree().physics_interpolation = true
	Engine.physics_ticks_per_second = 10
	super()
	camera.physics_interpolation_mode = Node.PHYSICS_INTERPOLATION_MODE_OFF
	_moving.physics_interpolation_mode = Node.PHYSICS_INTERPOLATION_MODE_ON
	_body.sync_to_physics = false
	add_child(_body)
	_moving.reparent(_body)
	_moving.transform = Transform3D.IDENTITY


func _physics_process(_delta: float) -> void:
	_ticks += 1
	_body.transform = sway(Vector3(-0.2, 1.2, -1.5), _ticks)


func step(k: int) -> void:
	if k == 0:
		early = stages.size()
	camera.transform.origin = VIEW_FROM + Vector3(0.05 * k, 0.0, 0.0)


func look() -> Dictionary:
	put(_moving_told, _body.get_global_transform_interpolated())
	return super()


func tear_down() -> void:
	super()
	get_tree().physics_interpolation = false
	Engine.physics_ticks_per_second = 60

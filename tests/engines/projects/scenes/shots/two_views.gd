extends "res://shots/boxes.gd"
## Two cameras capture the same world at once, in the window and in a SubViewport of another size: dumped in turn.

var _viewport: SubViewport = SubViewport.new()
var _second: Camera3D = Camera3D.new()
var _second_effect: WorldplateEffect = WorldplateEffect.new()


func set_up() -> void:
	super()
	_viewport.size = Vector2i(200, 150)
	_viewport.render_target_update_mode = SubViewport.UPDATE_ALWAYS
	add_child(_viewport)
	var first: Camera3D = camera
	var first_effect: WorldplateEffect = effect
	camera = _second
	effect = _second_effect
	add_camera(_viewport)
	camera = first
	effect = first_effect
	frames = 10


func step(k: int) -> void:
	super(k)
	_second.transform = camera.transform


func request(callback: Callable) -> bool:
	(effect if stages.size() % 2 == 0 else _second_effect).request_pack(callback)
	return true


func tear_down() -> void:
	super()
	_second.compositor = null
	_second_effect.release()

extends "res://shots/boxes.gd"
## The camera jumps, twice by itself and once by word, and the renderer is told.

const Recorder: GDScript = preload("res://recorder.gd")
const JUMPS: Dictionary[int, Vector3] = {7: Vector3(6.0, 0.0, 0.0), 10: Vector3.ZERO}
const SAID: int = 13

var _recorder: Recorder = Recorder.new()
var _from: Vector3 = Vector3.ZERO


func _init() -> void:
	frames = 16
	findings = {"cuts": JUMPS.keys() + [SAID]}


func set_up() -> void:
	super()
	effect.link = _recorder


func step(k: int) -> void:
	super(k)
	_from = JUMPS.get(k, _from)
	camera.transform.origin += _from
	camera.look_at(Vector3(0.0, 0.5, -2.0))
	if k == SAID:
		effect.cut()


func look() -> Dictionary:
	var stage: Dictionary = super()
	stage["told_before"] = _recorder.frames.size()
	return stage


func tear_down() -> void:
	findings["told"] = _recorder.frames
	super()

extends "res://shot.gd"
## A stream where no plates can be shown, and what it says.

var _stream: WorldplateStream = WorldplateStream.new()


func set_up() -> void:
	super()
	camera.compositor = null
	camera.add_child(_stream)
	first_dumped = frames


func tear_down() -> void:
	findings = {"trouble": _stream.report()["trouble"], "blocked": _stream.report()["blocked"]}
	super()

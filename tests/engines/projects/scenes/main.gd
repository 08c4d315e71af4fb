extends Node
## Films shots one after another in one run of the engine: for every frame of a shot that is dumped, the packed planes as
## <shot>-<frame>.bin, and as <shot>-<frame>.json where they lie in it, the camera's numbers, and what the script had put
## where just before the frame was drawn.
##
## Arguments: a folder for the dumps, then the names of shots.

const Shot: GDScript = preload("res://shot.gd")
const _PATIENCE_FRAMES: int = 60

var _folder: String
var _shot: Shot
var _stage: Dictionary = {}  # Of the frame that is about to be drawn.
var _dumped: int = 0
var _missing: int = 0


func _ready() -> void:
	RenderingServer.directional_shadow_atlas_set_size(1024, true)
	RenderingServer.frame_pre_draw.connect(_look)
	_run.call_deferred()


func _run() -> void:
	var arguments: PackedStringArray = OS.get_cmdline_user_args()
	_folder = arguments[0]
	for shot: String in arguments.slice(1):
		await _film(shot)
	print("WORLDPLATE-END %d %d" % [_dumped, _missing])
	get_tree().quit()


func _film(shot: String) -> void:
	_shot = (load("res://shots/%s.gd" % shot) as GDScript).new()
	add_child(_shot)
	_shot.set_up()
	var start: int = _dumped
	var wanted: int = 0
	for k: int in _shot.frames:
		await get_tree().process_frame
		_shot.step(k)
		if k >= _shot.first_dumped and _shot.request(_dump.bind("%s-%d" % [shot, k], k)):
			wanted += 1
	for i: int in _PATIENCE_FRAMES:
		if _dumped - start < wanted:
			await get_tree().process_frame
	_missing += wanted - (_dumped - start)
	_shot.tear_down()
	_write(shot, _shot.findings)
	_shot.queue_free()
	_shot = null
	for i: int in 2:
		await get_tree().process_frame


func _look() -> void:
	if _shot != null:
		_shot.stages.append(_shot.look())


func _dump(
	pixels: PackedByteArray, layout: Dictionary, size: Vector2i, camera: PackedFloat64Array, file: String, k: int
) -> void:
	FileAccess.open(_folder.path_join(file + ".bin"), FileAccess.WRITE).store_buffer(pixels)
	var told: Dictionary = {"layout": layout, "width": size.x, "height": size.y, "camera": camera}
	told.merge({"now": _shot.stages[k + _shot.early], "before": _shot.stages[k + _shot.early - 1]})
	_write(file, told)
	_dumped += 1


func _write(file: String, told: Variant) -> void:
	FileAccess.open(_folder.path_join(file + ".json"), FileAccess.WRITE).store_string(JSON.stringify(told, "", true, true))

## Measures every convention in the engine that runs, against a scene whose values are known: two frames, one with the
## camera of the golden vector, one with it turned while a box moves.
@tool
extends Node

const _Conventions: GDScript = preload("res://addons/worldplate/dock/conventions.gd")
const _Golden: GDScript = preload("res://addons/worldplate/dock/golden.gd")
const _PackReader: GDScript = preload("res://addons/worldplate/dock/pack_reader.gd")
const _Scene: GDScript = preload("res://addons/worldplate/dock/self_test_scene.gd")
const _WARM_FRAMES: int = 4  # Until the engine has drawn a frame before the one that is measured.
const _PATIENCE_FRAMES: int = 120

var _pack: Dictionary = {}


## What was found: {wrong: names of the conventions that do not hold, or what kept it from measuring; text: all lines}.
func run() -> Dictionary:
	var hindrance: String = _hindrance()
	if not hindrance.is_empty():
		return {"wrong": hindrance, "text": "The self-test cannot run: %s" % hindrance}
	var frames: Array[Dictionary] = await measure()
	if frames.size() < 2:
		return {"wrong": "no pixels", "text": "The self-test got no pixels back: the viewport is not drawn."}
	return verdict(_Conventions.call(&"judge", frames))


## The two frames, as conventions.gd takes them.
func measure() -> Array[Dictionary]:
	var scene: SubViewport = _Scene.new()
	add_child(scene)
	for i: int in _WARM_FRAMES:
		await RenderingServer.frame_post_draw
	var frames: Array[Dictionary] = []
	await _measure_into(frames, scene, Transform3D(Basis.IDENTITY, _Golden.CAMERA), Vector3.ZERO)
	var turned: Transform3D = Transform3D(Basis.from_euler(Vector3(-0.06, 0.12, 0.0)), _Golden.CAMERA + Vector3(0.1, 0.0, 0.1))
	await _measure_into(frames, scene, turned, Vector3(0.1, 0.05, 0.0))
	scene.queue_free()
	return frames


func _measure_into(frames: Array[Dictionary], scene: SubViewport, pose: Transform3D, step: Vector3) -> void:
	scene.call(&"move_camera", pose)
	scene.call(&"move_box", step)
	var truth: RefCounted = scene.call(&"truth")
	_pack = {}
	(scene.get(&"effect") as CompositorEffect).call(&"request_pack", _on_pack)
	for i: int in _PATIENCE_FRAMES:
		if not _pack.is_empty():
			frames.append({"reader": _pack["reader"], "camera": _pack["camera"], "truth": truth})
			return
		await RenderingServer.frame_post_draw


func _on_pack(pixels: PackedByteArray, layout: Dictionary, size: Vector2i, camera: PackedFloat64Array) -> void:
	_pack = {"reader": _PackReader.new(pixels, layout, size), "camera": camera}


func _hindrance() -> String:
	if RenderingServer.get_current_rendering_method() == "gl_compatibility":
		return "the Compatibility renderer has no compute passes; choose Forward+."
	if not ResourceLoader.exists(_Scene.EFFECT):
		return "the add-on is not whole; install it again."
	return ""


## Findings in words.
static func verdict(findings: Array[Dictionary]) -> Dictionary:
	var wrong: PackedStringArray = []
	var lines: PackedStringArray = []
	for finding: Dictionary in findings:
		if not finding["ok"]:
			wrong.append(finding["name"])
		lines.append("%s  %s: %s" % ["ok" if finding["ok"] else "WRONG", finding["name"], finding["text"]])
	var head: String = "Self-test: all %d conventions hold." % findings.size()
	if not wrong.is_empty():
		head = "Self-test: wrong is %s. Please report it with the lines below." % ", ".join(wrong)
	return {"wrong": ", ".join(wrong), "text": "%s\n%s" % [head, "\n".join(lines)]}

extends SceneTree
## Paints frames by the formulas alone, breaks one convention at a time, and wants the self-test to name that one.

const Checks: GDScript = preload("res://checks.gd")
const Conventions: GDScript = preload("res://addons/worldplate/dock/conventions.gd")
const Painter: GDScript = preload("res://painter.gd")
const SelfTest: GDScript = preload("res://addons/worldplate/dock/self_test.gd")

## What is broken -> the conventions that must be named, and a part of what must be said about it.
const BROKEN: Dictionary[String, Array] = {
	"": ["", "conventions hold"],
	"mirrored": ["handedness", "expected: right"],
	"upside down": ["up", "expected: above"],
	"turned around": ["handedness, up", "expected: right"],
	"depth along the ray": ["depth", "along the ray"],
	"depth in centimetres": ["depth", "in centimetres"],
	"device depth": ["depth", "raw device depth"],
	"no infinity": ["depth", "expected inf"],
	"normal in view space": ["normal", "view space"],
	"normal encoded": ["normal", "encoded to 0..1"],
	"normal inward": ["normal", "inward"],
	"motion from before to now": ["motion", "current - previous"],
	"motion with v up": ["motion", "v up"],
	"motion in pixels": ["motion", "in pixels"],
	"motion of bodies missing": ["motion", "expected"],
	"color in sRGB": ["color", "sRGB-encoded"],
	"color with exposure": ["color", "half of it"],
	"albedo in sRGB": ["albedo", "sRGB-encoded"],
	"roughness for metallic": ["material", "expected"],
	"one id for all": ["object", "one of its own"],
	"ids that change": ["object", "as elsewhere on this box"],
	"id in the sky": ["object", "expected 0"],
	"labels off by one": ["label", "expected"],
	"camera_from_world": ["pose", "camera_from_world"],
	"quaternion with w first": ["pose", "w first"],
	"camera a metre off": ["pose", "measured the camera at"],
	"previous camera as now": ["pose", "previous camera"],
	"projection by columns": ["projection", "column-major"],
	"projection with v down": ["projection", "v down"],
	"projection with z in 0..1": ["projection", "another depth range"],
	"lens of another angle": ["projection", "row 0, column 0"],
}

var _checks: RefCounted = Checks.new()


func _initialize() -> void:
	for broken: String in BROKEN:
		var painter: RefCounted = Painter.new(broken)
		var verdict: Dictionary = SelfTest.call(&"verdict", Conventions.call(&"judge", painter.call(&"frames")))
		_checks.call(&"equal", "what is named for '%s'" % broken, verdict["wrong"], BROKEN[broken][0])
		_checks.call(&"contains", "what is said for '%s'" % broken, verdict["text"], BROKEN[broken][1])
	_checks.call(&"finish", self)

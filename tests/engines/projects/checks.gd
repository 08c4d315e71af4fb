## Counts what was checked and what failed, and says both at the end: a run without that line is not a pass.
extends RefCounted

const LINE: int = 300  # Characters of a failure that are said: a plane of pixels is long.

var passed: int = 0
var failed: int = 0


func equal(what: String, value: Variant, wanted: Variant) -> void:
	holds(what, typeof(value) == typeof(wanted) and value == wanted, "%s instead of %s" % [str(value).left(LINE), str(wanted).left(LINE)])


func contains(what: String, text: String, part: String) -> void:
	holds(what, text.contains(part), "'%s' says nothing of '%s'" % [text, part])


func holds(what: String, condition: bool, detail: String = "") -> void:
	if condition:
		passed += 1
	else:
		failed += 1
		print("FAILED %s: %s" % [what.left(LINE), detail.left(LINE)])


func finish(tree: SceneTree) -> void:
	print("WORLDPLATE-END %d %d" % [passed, failed])
	tree.quit(0 if failed == 0 else 1)

@tool
extends RefCounted
## What a stream's report means for a person: how it is in a few words, and what to do next.

enum Mood { GOOD, WAITING, BAD }

const SERVE: String = "worldplate serve"


## Headline, next step ("" when there is nothing to do) and mood of a report of [method WorldplateStream.report].
static func of(report: Dictionary) -> Dictionary:
	if report.is_empty():
		return _words("No stream", "Add a WorldplateStream under a Camera3D, and press Play.", Mood.WAITING)
	var trouble: String = report.get("trouble", "")
	if not trouble.is_empty():
		return _words("Cannot run" if report["blocked"] else "Idle", trouble, Mood.BAD if report["blocked"] else Mood.WAITING)
	return _of_link(report.get("status", {}))


static func _of_link(status: Dictionary) -> Dictionary:
	match status.get("state", ""):
		"searching":
			return _words("Waiting for a renderer", "Start one here, or run `%s` in a terminal." % SERVE, Mood.WAITING)
		"connecting", "greeting":
			return _words("Connecting to the renderer", "", Mood.WAITING)
		"opening":
			return _words("Opening the session", "", Mood.WAITING)
		"attached":
			return _of_renderer(status)
		"stalled":
			return _of_stalled(status)
		"refused":
			return _words("The renderer refused this stream", _error(status), Mood.BAD)
	return _words("The link is closed", _error(status), Mood.WAITING)


static func _of_renderer(status: Dictionary) -> Dictionary:
	var said: String = status.get("renderer_text", "")
	match status.get("renderer_state", ""):
		"loading":
			return _words("Attached; the model is getting ready", said, Mood.WAITING)
		"degraded":
			return _words("Attached, with less than it should", said, Mood.WAITING)
	return _words("Attached", said, Mood.GOOD)


## No beat of the render loop for long: one plate takes too long, or nothing moves any more.
static func _of_stalled(status: Dictionary) -> Dictionary:
	if float(status.get("plates_per_s", 0.0)) > 0.0:
		return _words("Attached, but slow",
			"A plate takes the renderer very long. Lower the stream's Resolution Scale, or choose a faster model.", Mood.WAITING)
	return _words("Attached, but the renderer does not move",
		"The engine's own picture is shown until it does. Look into the renderer's terminal.", Mood.BAD)


static func _error(status: Dictionary) -> String:
	var parts: PackedStringArray = []
	for key: String in ["error_text", "error_fix"]:
		if not str(status.get(key, "")).is_empty():
			parts.append(str(status[key]))
	return " ".join(parts)


static func _words(headline: String, next_step: String, mood: Mood) -> Dictionary:
	return {"headline": headline, "next": next_step, "mood": mood}

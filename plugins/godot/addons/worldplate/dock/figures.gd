## The numbers of a stream, as rows of name and value.
@tool
extends GridContainer

var _values: Dictionary[String, Label] = {}


func _init() -> void:
	columns = 2


func show_report(report: Dictionary) -> void:
	var status: Dictionary = report.get("status", {})
	visible = not status.is_empty()
	if status.is_empty():
		return
	var size: Vector2i = report["size"]
	_show("Model", "%s on %s" % [status["model"], status["runtime"]] if status["model"] else "none yet")
	_show("Licence", status["licence"])
	_show("Pictures", "%d fps here, %.1f plates per second" % [report["fps"], status["plates_per_s"]])
	_show("Frame age", "p50 %.0f ms, p95 %.0f ms" % [status["age_p50_ms"], status["age_p95_ms"]])
	_show("Became of frames", _dispositions(status["dispositions"]))
	_show("Last picture", _last(report["picture"]))
	_show("Round trip", "%.1f ms" % status["round_trip_ms"])
	_show("Stages", _stages(status["stages"]))
	_show("Transport", _transport(status))
	_show("Planes", "%d × %d: %s" % [size.x, size.y, ", ".join(status["wanted_planes"])])


func _show(title: String, text: String) -> void:
	if not _values.has(title):
		_add(title)
	_values[title].text = text if not text.is_empty() else "–"
	_values[title].tooltip_text = text


func _add(title: String) -> void:
	var head: Label = Label.new()
	head.text = title
	head.size_flags_vertical = SIZE_SHRINK_BEGIN
	head.modulate.a = 0.65
	var value: Label = Label.new()
	value.size_flags_horizontal = SIZE_EXPAND_FILL
	value.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	value.custom_minimum_size.x = 120.0
	value.mouse_filter = Control.MOUSE_FILTER_PASS
	add_child(head)
	add_child(value)
	_values[title] = value


func _dispositions(counts: Dictionary) -> String:
	var parts: PackedStringArray = []
	for disposition: String in counts:
		parts.append("%d %s" % [counts[disposition], disposition])
	return ", ".join(parts)


func _last(picture: Dictionary) -> String:
	if picture.is_empty():
		return ""
	var why: String = picture["reason"]
	return "%s, %.0f ms old%s" % [picture["disposition"], picture["age_ms"], "" if why.is_empty() else " (%s)" % why]


func _stages(stages: Dictionary) -> String:
	var parts: PackedStringArray = []
	for stage: String in stages:
		parts.append("%s %.1f" % [stage, stages[stage]])
	return "" if parts.is_empty() else "%s ms" % ", ".join(parts)


func _transport(status: Dictionary) -> String:
	if status["model"].is_empty():
		return ""
	var why: String = status["transport_reason"]
	return status["transport"] + ("" if why.is_empty() else ": %s" % why)

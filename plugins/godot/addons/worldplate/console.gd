@tool
extends RefCounted
## What a stream says: to the engine's console, and the last lines of its link's log, for the dock.

const _LINES: int = 60
const _QUIET_S: float = 10.0  # The console is not told the same thing twice in this time.

var lines: PackedStringArray = []

var _said: Dictionary[String, float] = {}  # What the console was told, and when.


## Tells the console, unless it was told the same a moment ago.
func say(text: String) -> void:
	var now_s: float = Time.get_ticks_usec() / 1e6
	if now_s - _said.get(text, -_QUIET_S) >= _QUIET_S:
		_said[text] = now_s
		print("Worldplate: ", text)


## Takes in what the log of [param link], a WorldplateLink, has new.
func read(link: RefCounted) -> void:
	for i: int in _LINES:
		var line: String = link.call(&"next_log")
		if line.is_empty():
			return
		lines.append(line)
		if lines.size() > _LINES:
			lines.remove_at(0)

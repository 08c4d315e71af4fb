## Reads values out of the pixels of a frame: rows from the top, each plane in its own format.
@tool
extends RefCounted

var size: Vector2i
var layout: Dictionary

var _pixels: PackedByteArray


func _init(pixels: PackedByteArray, pixel_layout: Dictionary, pixel_size: Vector2i) -> void:
	_pixels = pixels
	layout = pixel_layout
	size = pixel_size


func has(plane: String) -> bool:
	return layout.has(plane)


## The channels at a pixel; those that the plane lacks are 0.
func value(plane: String, at: Vector2i) -> Vector4:
	var place: Dictionary = layout[plane]
	var row: int = int(place["offset"]) + int(place["pitch"]) * at.y
	match place["format"]:
		"rgba16f":
			return _halves(row + 8 * at.x, 4)
		"rg16f":
			return _halves(row + 4 * at.x, 2)
		"r16f":
			return _halves(row + 2 * at.x, 1)
		"rgba32f":
			return _floats(row + 16 * at.x, 4)
		"rg32f":
			return _floats(row + 8 * at.x, 2)
	return _floats(row + 4 * at.x, 1)


## The integer at a pixel of `object` or `label`.
func integer(plane: String, at: Vector2i) -> int:
	var place: Dictionary = layout[plane]
	var row: int = int(place["offset"]) + int(place["pitch"]) * at.y
	return _pixels.decode_u32(row + 4 * at.x) if place["format"] == "r32ui" else _pixels.decode_u8(row + at.x)


func _halves(begin: int, count: int) -> Vector4:
	var channels: Vector4 = Vector4.ZERO
	for i: int in count:
		channels[i] = _pixels.decode_half(begin + 2 * i)
	return channels


func _floats(begin: int, count: int) -> Vector4:
	var channels: Vector4 = Vector4.ZERO
	for i: int in count:
		channels[i] = _pixels.decode_float(begin + 4 * i)
	return channels

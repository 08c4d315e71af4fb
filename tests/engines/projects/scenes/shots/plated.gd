extends "res://shots/boxes.gd"
## A link that has a plate of one colour for every frame from the second half on; the picture on the screen before and after.

const FROM: int = 8
const PLATE: Color = Color(0.9, 0.1, 0.8)

var _painter: Painter = Painter.new()


class Painter extends "res://recorder.gd":
	var size: Vector2i
	var paints: bool = false

	func present() -> Dictionary:
		var id: int = frames.size() if paints else 0
		return {"plate": id, "target": id, "strength": 1.0, "disposition": "exact", "age_ms": 0.0}

	func plate_pixels() -> PackedByteArray:
		var image: Image = Image.create(size.x, size.y, false, Image.FORMAT_RGBAH)
		image.fill(PLATE)
		return image.get_data()


func _init() -> void:
	frames = 2 * FROM
	first_dumped = frames


func set_up() -> void:
	super()
	_painter.size = Vector2i(get_viewport().get_texture().get_size())
	effect.link = _painter


func step(k: int) -> void:
	if k == 0:
		early = stages.size()
	if k == FROM:
		findings["before"] = _color_on_screen()
		_painter.paints = true
	elif k == frames - 1:
		findings["after"] = _color_on_screen()
		findings["picture"] = effect.picture


func _color_on_screen() -> Array[int]:
	var image: Image = get_viewport().get_texture().get_image()
	return bytes(image.get_pixelv(image.get_size() / 2))

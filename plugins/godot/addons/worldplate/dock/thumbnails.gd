## Small pictures of planes, still in their own format: a shader of the dock makes them readable.
@tool
extends RefCounted

const WIDTH: int = 160

## The image format that holds a plane's bits as they are. Ids go as four bytes: as a float they could be lost on the way.
const FORMATS: Dictionary[String, Image.Format] = {
	"rgba16f": Image.FORMAT_RGBAH, "rgba32f": Image.FORMAT_RGBAF, "rg16f": Image.FORMAT_RGH, "rg32f": Image.FORMAT_RGF,
	"r16f": Image.FORMAT_RH, "r32f": Image.FORMAT_RF, "r32ui": Image.FORMAT_RGBA8, "r8ui": Image.FORMAT_R8,
}


## Those of the next frame of a stream, the plate last: [param callback] gets an array of {name, image}.
static func of_stream(stream: Node, callback: Callable) -> void:
	var asked: WeakRef = weakref(stream)  # It may be gone when the frame comes, and a lambda must not hold what is freed.
	var on_pack: Callable = func(pixels: PackedByteArray, layout: Dictionary, size: Vector2i) -> void:
		var thumbnails: Array[Dictionary] = of_pack(pixels, layout, size)
		var there: Node = asked.get_ref()
		var plate: PackedByteArray = there.call(&"plate_pixels") if there != null else PackedByteArray()
		if plate.size() == size.x * size.y * 8:
			thumbnails.append({"name": "plate", "image": _shrink(plate, "rgba16f", size)})
		callback.call(thumbnails)
	stream.call(&"request_pack", on_pack)


## Of the planes of a pack, in the layout's order.
static func of_pack(pixels: PackedByteArray, layout: Dictionary, size: Vector2i) -> Array[Dictionary]:
	var thumbnails: Array[Dictionary] = []
	for plane: String in layout:
		if layout[plane] is Dictionary and FORMATS.has(layout[plane]["format"]):
			var begin: int = layout[plane]["offset"]
			var bytes: PackedByteArray = pixels.slice(begin, begin + int(layout[plane]["pitch"]) * size.y)
			thumbnails.append({"name": plane, "image": _shrink(bytes, layout[plane]["format"], size)})
	return thumbnails


static func _shrink(bytes: PackedByteArray, format: String, size: Vector2i) -> Image:
	var image: Image = Image.create_from_data(size.x, size.y, false, FORMATS[format], bytes)
	var width: int = mini(WIDTH, size.x)
	image.resize(width, maxi(1, roundi(width * size.y / float(size.x))), Image.INTERPOLATE_NEAREST)
	return image

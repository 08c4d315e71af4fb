## The planes of a stream as small pictures, each with its name and what its colours mean.
@tool
extends HFlowContainer

const _SHADER: Shader = preload("res://addons/worldplate/dock/plane.gdshader")

## In the order of the shader's meanings, with the words of the tooltip.
const MEANINGS: Dictionary[String, String] = {
	"color": "The engine's picture: scene-linear, before tone mapping.",
	"depth": "Distance along the view. Bright is near; dark blue is the sky.",
	"normal": "World-space normals: red +X, green +Y (up), blue +Z.",
	"motion": "Where a point was in the frame before. Hue is the direction, grey at rest, black unknown.",
	"albedo": "Base colour without light.",
	"material": "Bright is rough; gold is metal.",
	"object": "One colour for each object; black has none.",
	"label": "One colour for each label; black is unknown.",
	"plate": "What the model has painted, over checkers where the engine's own picture stays.",
}

var _pictures: Dictionary[String, TextureRect] = {}
var _captions: Dictionary[String, Label] = {}


## [param thumbnails]: an array of {name: String, image: Image}.
func show_planes(thumbnails: Array[Dictionary]) -> void:
	visible = not thumbnails.is_empty()
	var given: PackedStringArray = []
	for thumbnail: Dictionary in thumbnails:
		given.append(thumbnail["name"])
		if not _pictures.has(thumbnail["name"]):
			_add_picture(thumbnail["name"])
		_show(thumbnail["name"], thumbnail["image"])
	for plane: String in _pictures:
		(_pictures[plane].get_parent() as Control).visible = given.has(plane)


func clear() -> void:
	show_planes([])


func _add_picture(plane: String) -> void:
	var box: VBoxContainer = VBoxContainer.new()
	box.name = plane
	box.tooltip_text = MEANINGS.get(plane, "")
	var picture: TextureRect = TextureRect.new()
	picture.custom_minimum_size = Vector2(128.0, 72.0) * EditorInterface.get_editor_scale()
	picture.expand_mode = TextureRect.EXPAND_IGNORE_SIZE
	picture.stretch_mode = TextureRect.STRETCH_SCALE
	picture.mouse_filter = Control.MOUSE_FILTER_PASS
	var material_of_plane: ShaderMaterial = ShaderMaterial.new()
	material_of_plane.shader = _SHADER
	material_of_plane.set_shader_parameter(&"meaning", MEANINGS.keys().find(plane))
	picture.material = material_of_plane
	var caption: Label = Label.new()
	caption.mouse_filter = Control.MOUSE_FILTER_PASS
	caption.add_theme_font_size_override(&"font_size", int(11.0 * EditorInterface.get_editor_scale()))
	box.add_child(picture)
	box.add_child(caption)
	add_child(box)
	_pictures[plane] = picture
	_captions[plane] = caption


func _show(plane: String, image: Image) -> void:
	var texture: ImageTexture = ImageTexture.create_from_image(image)
	var shown: ShaderMaterial = _pictures[plane].material
	shown.set_shader_parameter(&"plane", texture)
	_pictures[plane].texture = texture  # For its size and for the picture to be drawn at all.
	_captions[plane].text = plane
	if plane == "depth":
		var range_m: Vector2 = _range_of(image)
		shown.set_shader_parameter(&"depth_range_m", range_m)
		_captions[plane].text = "depth  %.1f to %.1f m" % [range_m.x, range_m.y]


## Nearest and farthest of what is there.
func _range_of(image: Image) -> Vector2:
	var depths: PackedFloat32Array = image.get_data().to_float32_array()
	var nearest: float = INF
	var farthest: float = 0.0
	for i: int in range(0, depths.size(), 7):
		if is_finite(depths[i]):
			nearest = minf(nearest, depths[i])
			farthest = maxf(farthest, depths[i])
	return Vector2(nearest, maxf(farthest, nearest * 1.01)) if farthest > 0.0 else Vector2(1.0, 100.0)

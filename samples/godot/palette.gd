## The materials of the court: one for each label and colour, with small painted textures.
extends RefCounted

const WALLS: Array[Color] = [Color("d0b892"), Color("dcb08c"), Color("dcd0bc"), Color("c9a271")]
const STONE: Color = Color("bfb8a9")
const STONE_DARK: Color = Color("a09a8d")
const PAVING: Color = Color("ada595")
const ROOF: Color = Color("b0654c")
const WOOD: Color = Color("94714c")
const WOOD_DARK: Color = Color("6c4c33")
const DOORS: Array[Color] = [Color("3f6d70"), Color("7c4034"), Color("466242")]
const METAL: Color = Color("55585c")
const GLASS: Color = Color("4a5c66")
const WATER: Color = Color("3f7c86")
const LAMP: Color = Color("ffe2ac")
const CREAM: Color = Color("efe6d2")
const FABRICS: Array[Color] = [Color("b8473c"), Color("3d6291"), Color("d0a040"), Color("48795a")]
const GREENS: Array[Color] = [Color("55733a"), Color("68873f"), Color("456232")]
const TOYS: Array[Color] = [Color("d2503a"), Color("3f78b8"), Color("e0b042"), Color("569a58"), Color("e4ddd0")]

# Label: [roughness, metallic, metres that a texture covers].
const _FINISH: Dictionary = {
	"ground": [0.9, 0.0, 3.0], "wall": [0.95, 0.0, 5.0], "stone": [0.85, 0.0, 2.0], "roof": [0.85, 0.0, 1.2],
	"wood": [0.75, 0.0, 1.0], "metal": [0.45, 0.8, 0.0], "fabric": [0.95, 0.0, 0.0], "foliage": [0.95, 0.0, 0.3],
	"plastic": [0.4, 0.0, 0.0], "water": [0.06, 0.0, 0.0], "glass": [0.12, 0.0, 0.0], "light": [0.5, 0.0, 0.0],
	"vehicle": [0.75, 0.0, 1.0],
}
const _PIXELS: int = 128

var _materials: Dictionary[String, StandardMaterial3D] = {}
var _textures: Dictionary[String, Texture2D] = {}


func material(label: String, color: Color) -> StandardMaterial3D:
	var key: String = label + color.to_html()
	if not _materials.has(key):
		_materials[key] = _make(label, color)
	return _materials[key]


func _make(label: String, color: Color) -> StandardMaterial3D:
	var finish: Array = _FINISH[label]
	var made: StandardMaterial3D = StandardMaterial3D.new()
	made.albedo_color = color
	made.roughness = finish[0]
	made.metallic = finish[1]
	if finish[2] > 0.0:
		made.albedo_texture = _texture(label)
		made.uv1_scale = Vector3.ONE / finish[2]
	if label == "fabric":
		made.cull_mode = BaseMaterial3D.CULL_DISABLED
	if label == "light":
		made.emission_enabled = true
		made.emission = color
		made.emission_energy_multiplier = 1.6
	return made


func _texture(label: String) -> Texture2D:
	if not _textures.has(label):
		var noise: FastNoiseLite = FastNoiseLite.new()
		noise.seed = label.length() * 31 + label.unicode_at(0)
		noise.frequency = 0.11 if label == "foliage" else 0.03
		var grain: Image = noise.get_seamless_image(_PIXELS, _PIXELS)
		var image: Image = Image.create_empty(_PIXELS, _PIXELS, false, Image.FORMAT_L8)
		for y: int in _PIXELS:
			for x: int in _PIXELS:
				var value: float = _shade(label, x, y, grain.get_pixel(x, y).r)
				image.set_pixel(x, y, Color(value, value, value))
		image.generate_mipmaps()
		_textures[label] = ImageTexture.create_from_image(image)
	return _textures[label]


## How bright a texture is at a pixel, 0 to 1; `grain` is smooth noise, 0 to 1.
static func _shade(label: String, x: int, y: int, grain: float) -> float:
	match label:
		"ground":
			return _paving(x, y) * (0.88 + 0.12 * grain)
		"roof":
			var row: int = y / 16
			var edge: float = 0.72 + 0.28 * smoothstep(0.0, 5.0, float(y % 16))
			var round_part: float = 0.84 + 0.16 * sin(PI * float((x + 8 * (row % 2)) % 16) / 16.0)
			return edge * round_part * (0.86 + 0.14 * grain)
		"wood", "vehicle":
			var joint: float = 0.68 if y % 32 == 0 else 1.0
			return joint * (0.86 + 0.14 * sin(y * 0.9 + 5.0 * grain) * grain)
		"foliage":
			return 0.55 + 0.45 * smoothstep(0.3, 0.7, grain)
		"wall":
			return 0.86 + 0.14 * grain
	return 0.84 + 0.16 * grain


## Rows of slabs, each row shifted, each slab of another grey, with dark joints.
static func _paving(x: int, y: int) -> float:
	var row: int = y / 16
	var along: int = (x + 11 * row) % 128
	var width: int = 32 if row % 2 == 0 else 21
	if y % 16 == 0 or along % width == 0:
		return 0.72
	return 0.88 + 0.12 * fposmod(sin(float(row * 17 + along / width * 29) * 12.9898) * 437.58, 1.0)

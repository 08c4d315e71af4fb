extends "res://shot.gd"
## What materials can paint: textures with scale and offset, cut-outs, vertex colours, culling, shaders, billboards.

const SIZE: Vector3 = Vector3(1.1, 1.1, 0.0)
const TEXELS: int = 4
const TEXEL_PIXELS: int = 32
const GREY: Color = Color8(90, 140, 190)

var _texture: ImageTexture


func set_up() -> void:
	super()
	_texture = ImageTexture.create_from_image(_draw_texture())
	var textured: StandardMaterial3D = paint(Color.WHITE)
	textured.albedo_texture = _texture
	_add(0, "textured", textured, {"texels": [1.0, 1.0, 0.0, 0.0]})
	var scaled: StandardMaterial3D = paint(Color8(255, 128, 255))
	scaled.albedo_texture = _texture
	scaled.uv1_scale = Vector3(0.5, 0.75, 1.0)
	scaled.uv1_offset = Vector3(0.3, 0.1, 0.0)
	_add(1, "scaled", scaled, {"texels": [0.5, 0.75, 0.3, 0.1], "albedo": [255, 128, 255]})
	var cut: StandardMaterial3D = textured.duplicate()
	cut.transparency = BaseMaterial3D.TRANSPARENCY_ALPHA_SCISSOR
	cut.alpha_scissor_threshold = 0.6
	_add(2, "cut out", cut, {"texels": [1.0, 1.0, 0.0, 0.0], "least_alpha": 0.6})
	var metal: StandardMaterial3D = paint(GREY, 0.5, 0.9)
	metal.metallic_texture = _texture
	metal.metallic_texture_channel = BaseMaterial3D.TEXTURE_CHANNEL_RED
	_add(13, "metal in parts", metal, {"metallic": 0.9, "metallic_texels": [1.0, 1.0, 0.0, 0.0]})
	var orm: ORMMaterial3D = ORMMaterial3D.new()
	orm.albedo_color = GREY
	orm.orm_texture = ImageTexture.create_from_image(_plain(Color8(255, 51, 0)))
	_add(14, "orm", orm, {"roughness": 0.2})
	_add_culled()
	_add_by_vertices()
	_add_shaded()
	_add_billboard()


## One texel is TEXEL_PIXELS wide; column, row and their sum show in red, green and alpha.
func _draw_texture() -> Image:
	var side: int = TEXELS * TEXEL_PIXELS
	var image: Image = Image.create(side, side, false, Image.FORMAT_RGBA8)
	for y: int in TEXELS:
		for x: int in TEXELS:
			var color: Color = Color8(60 * x + 20, 60 * y + 20, 200, 255 if (x + y) % 3 else 100)
			image.fill_rect(Rect2i(x * TEXEL_PIXELS, y * TEXEL_PIXELS, TEXEL_PIXELS, TEXEL_PIXELS), color)
	return image


func _plain(color: Color) -> Image:
	var image: Image = Image.create(TEXEL_PIXELS, TEXEL_PIXELS, false, Image.FORMAT_RGBA8)
	image.fill(color)
	return image


func _add_culled() -> void:
	for mode: BaseMaterial3D.CullMode in [
		BaseMaterial3D.CULL_BACK, BaseMaterial3D.CULL_FRONT, BaseMaterial3D.CULL_DISABLED
	]:
		for side: int in 2:
			var material: StandardMaterial3D = paint(GREY)
			material.cull_mode = mode
			var seen: bool = mode == BaseMaterial3D.CULL_DISABLED or (mode == BaseMaterial3D.CULL_BACK) == (side == 0)
			_add(3 + 2 * mode + side, "culled %d %d" % [mode, side], material, {}, seen, PI * side)


func _add_by_vertices() -> void:
	for srgb: bool in [false, true]:
		var material: StandardMaterial3D = paint(Color.WHITE)
		material.vertex_color_use_as_albedo = true
		material.vertex_color_is_srgb = srgb
		var shown: MeshInstance3D = _add(9 + int(srgb), "vertices %s" % srgb, material, {
			"albedo": bytes(GREY if srgb else GREY.linear_to_srgb())})
		var arrays: Array = (shown.mesh as QuadMesh).get_mesh_arrays()
		arrays[Mesh.ARRAY_COLOR] = PackedColorArray([GREY, GREY, GREY, GREY])
		var mesh: ArrayMesh = ArrayMesh.new()
		mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays)
		shown.mesh = mesh


func _add_shaded() -> void:
	var shader: Shader = Shader.new()
	shader.code = "shader_type spatial; uniform vec4 base_color : source_color; void fragment() { ALBEDO = base_color.rgb; }"
	var material: ShaderMaterial = ShaderMaterial.new()
	material.shader = shader
	material.set_shader_parameter("base_color", GREY)
	_add(11, "shader", material, {"roughness": 1.0})


func _add_billboard() -> void:
	var material: StandardMaterial3D = paint(GREY)
	material.billboard_mode = BaseMaterial3D.BILLBOARD_ENABLED
	material.billboard_keep_scale = true
	var told: Dictionary = {"billboard": true}
	_add(12, "billboard", material, told, true, 0.7)


func step(k: int) -> void:
	super(k)
	for told: Dictionary in _things:
		if told.has("billboard"):
			told["pose"] = pose_numbers(Transform3D(camera.transform.basis, _place(12)))


func _add(
	at: int, named: String, material: Material, more: Dictionary, seen: bool = true, turn: float = 0.0
) -> MeshInstance3D:
	var quad: QuadMesh = QuadMesh.new()
	quad.size = Vector2(SIZE.x, SIZE.y)
	var shown: MeshInstance3D = MeshInstance3D.new()
	shown.mesh = quad
	shown.material_override = material
	shown.transform = Transform3D(Basis(Vector3.UP, turn), _place(at))
	add_child(shown)
	more.merge({"albedo": bytes(Color.WHITE if more.has("texels") else GREY), "roughness": 0.5, "metallic": 0.0})
	if seen:
		put(thing(named, SIZE, more), shown.transform)
	return shown


func _place(at: int) -> Vector3:
	return Vector3(-3.0 + 1.5 * (at % 5), 0.1 + 1.4 * (at / 5), -1.5)

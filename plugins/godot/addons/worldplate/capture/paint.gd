## What a material paints with, told to the mirror: base colour, metallic, textures, culling, and where it is not there.
##
## Of a BaseMaterial3D it is read. Of a ShaderMaterial nobody can know it: a colour parameter called albedo, albedo_color,
## base_color or color, and a texture called texture_albedo or albedo_texture, are taken when there are any, else the base
## colour is the middle grey below. What its code discards or moves is not followed.
@tool
extends RefCounted

const GREY: Color = Color(0.735, 0.735, 0.735)  # sRGB; linear 0.5
const NOWHERE: float = 2.0  # More than any alpha.

const _CHANNELS: Array[Vector4] = [  # By BaseMaterial3D.TextureChannel.
	Vector4(1.0, 0.0, 0.0, 0.0), Vector4(0.0, 1.0, 0.0, 0.0), Vector4(0.0, 0.0, 1.0, 0.0), Vector4(0.0, 0.0, 0.0, 1.0),
	Vector4(1.0, 1.0, 1.0, 0.0) / 3.0,
]
const _COLORS: Array[StringName] = [&"albedo", &"albedo_color", &"base_color", &"color"]
const _TEXTURES: Array[StringName] = [&"texture_albedo", &"albedo_texture"]


## {cull: BaseMaterial3D.CullMode, metallic, and parameters of mirror.gdshader by name}
static func of(material: Material) -> Dictionary:
	if material is BaseMaterial3D:
		return _of_base(material as BaseMaterial3D)
	if material is ShaderMaterial:
		return _of_shader(material as ShaderMaterial)
	return {"cull": BaseMaterial3D.CULL_BACK, "metallic": 0.0, "albedo": Color.WHITE}


static func _of_base(material: BaseMaterial3D) -> Dictionary:
	var vertex_color: int = 0
	if material.vertex_color_use_as_albedo:
		vertex_color = 2 if material.vertex_color_is_srgb else 1
	var paint: Dictionary = {
		"cull": material.cull_mode, "metallic": material.metallic, "albedo": material.albedo_color,
		"texture_albedo": material.albedo_texture, "uv1_scale": material.uv1_scale, "uv1_offset": material.uv1_offset,
		"texture_metallic": material.metallic_texture, "metallic_channel": _CHANNELS[material.metallic_texture_channel],
		"vertex_color": vertex_color, "least_alpha": _least_alpha(material), "billboard": material.billboard_mode,
		"billboard_keep_scale": material.billboard_keep_scale, "grow": material.grow_amount if material.grow else 0.0,
	}
	if material is ORMMaterial3D:  # The texture alone counts.
		paint.merge({"metallic": 1.0, "texture_metallic": material.orm_texture, "metallic_channel": _CHANNELS[2]}, true)
	return paint


static func _least_alpha(material: BaseMaterial3D) -> float:
	match material.transparency:
		BaseMaterial3D.TRANSPARENCY_DISABLED:
			return -1.0 if material.blend_mode == BaseMaterial3D.BLEND_MODE_MIX else NOWHERE
		BaseMaterial3D.TRANSPARENCY_ALPHA_SCISSOR:
			return material.alpha_scissor_threshold
		BaseMaterial3D.TRANSPARENCY_ALPHA_HASH:
			return 0.5
		BaseMaterial3D.TRANSPARENCY_ALPHA_DEPTH_PRE_PASS:
			return 0.99  # What the engine's own depth pass takes as there.
	return NOWHERE


static func _of_shader(material: ShaderMaterial) -> Dictionary:
	var paint: Dictionary = {"cull": BaseMaterial3D.CULL_BACK, "metallic": 0.0, "albedo": GREY}
	for parameter: StringName in _COLORS:
		var value: Variant = material.get_shader_parameter(parameter)
		if value is Color:
			paint["albedo"] = value
			break
	for parameter: StringName in _TEXTURES:
		var value: Variant = material.get_shader_parameter(parameter)
		if value is Texture2D:
			paint["texture_albedo"] = value
			break
	var code: String = material.shader.code if material.shader != null else ""
	if code.contains("cull_disabled"):
		paint["cull"] = BaseMaterial3D.CULL_DISABLED
	elif code.contains("cull_front"):
		paint["cull"] = BaseMaterial3D.CULL_FRONT
	return paint

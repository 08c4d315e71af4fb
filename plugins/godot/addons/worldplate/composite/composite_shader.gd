## The compute pass that lays a plate over the engine's colour, of the same frame or carried over from an older one.
##
## Bindings and calls are constants here because exports leave out files that the engine does not know, and a .glsl would
## need an import. The rules stand in worldplate.gdshaderinc, the text that all engines share.
@tool
extends RefCounted

const GROUP: int = 8  # Pixels along each side of a workgroup.
const NO_PLANE: int = 0xffffffff

const _TEXT: ShaderInclude = preload("res://addons/worldplate/worldplate.gdshaderinc")

const _HEAD: String = "#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, rgba16f) uniform restrict image2D color_image;  // scene-linear, canonical / color_scale
layout(set = 1, binding = 0, std430) readonly buffer Target { uint target_words[]; };
layout(set = 2, binding = 0, std430) readonly buffer Source { uint source_words[]; };
layout(set = 3, binding = 0, std430) restrict readonly buffer Plate { uvec2 plate[]; };  // straight alpha, tight rows
struct Body { uvec4 id_known; mat4 source_view_from_target_view; };
layout(set = 3, binding = 1, std430) restrict readonly buffer Carry {
	mat4 source_view_from_target_view;
	mat4 source_projection;
	mat4 target_projection;
	vec4 jitter_px;  // source's, target's
	uvec4 body_count;
	Body bodies[];   // ascending ids
} carry;
layout(push_constant, std430) uniform Call {
	ivec4 size;   // planes' width, height; the colour's
	uvec4 words;  // before color, depth, object; mode
	vec4 light;   // strength; color_scale; 1 / color_scale
} call;

#define CARRIED 1u  // mode: the plate is of another frame
#define OLD 2u      // mode: the picture behind is the target's, not the one that was just drawn
#define NO_PLANE 0xffffffffu

vec4 from_halves(uvec2 halves) {
	return vec4(unpackHalf2x16(halves.x), unpackHalf2x16(halves.y));
}

float source_depth(ivec2 at) {
	return uintBitsToFloat(source_words[call.words.y + uint(at.y * call.size.x + at.x)]);
}

uint source_object(ivec2 at) {
	return call.words.z == NO_PLANE ? 0u : source_words[call.words.z + uint(at.y * call.size.x + at.x)];
}

#define WP_PRECISE precise
#define WP_ID_AT(i) carry.bodies[i].id_known.x
#define WP_SOURCE_DEPTH(at) source_depth(at)
#define WP_SOURCE_OBJECT(at) source_object(at)
#define WP_SOURCE_PLATE(at) from_halves(plate[(at).y * call.size.x + (at).x])
"

const _BODY: String = "
vec4 rounded(vec4 value) {
	return from_halves(uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw)));
}

// The plate's pixel for this one of the target, alpha 0 where it cannot be known. Most pixels are on nothing that moves.
vec4 carried(ivec2 pixel) {
	uint i = uint(pixel.y * call.size.x + pixel.x);
	float z = uintBitsToFloat(target_words[call.words.y + i]);
	uint object = call.words.z == NO_PLANE ? 0u : target_words[call.words.z + i];
	mat4 motion = carry.source_view_from_target_view;
	uint body = wp_place_of_id(object, carry.body_count.x);
	if (body < carry.body_count.x) {
		if (carry.bodies[body].id_known.y == 0u) {
			return vec4(0.0);
		}
		motion = carry.bodies[body].source_view_from_target_view;
	}
	return rounded(wp_carried(pixel, z, object, motion, carry.source_projection, carry.target_projection, carry.jitter_px,
		call.size.xy).over);
}

void main() {
	ivec2 at = ivec2(gl_GlobalInvocationID.xy);
	if (any(greaterThanEqual(at, call.size.zw))) {
		return;
	}
	ivec2 pixel = (2 * at + 1) * call.size.xy / (2 * call.size.zw);
	uint i = uint(pixel.y * call.size.x + pixel.x);
	uint mode = call.words.w;
	vec4 over = (mode & CARRIED) != 0u ? carried(pixel) : from_halves(plate[i]);
	bool old = (mode & OLD) != 0u;
	if (wp_matte(over, call.light.x) <= 0.0 && !old) {
		return;
	}
	vec4 behind = imageLoad(color_image, at) * vec4(vec3(call.light.y), 1.0);
	if (old) {
		uint place = call.words.x + 2u * i;
		behind = from_halves(uvec2(target_words[place], target_words[place + 1u]));
	}
	vec4 picture = wp_composite(behind, over, call.light.x);
	imageStore(color_image, at, rounded(vec4(picture.rgb * call.light.z, picture.a)));  // stores may cut off
}
"


## The whole text, to be compiled.
static func source() -> String:
	return _HEAD + _TEXT.code + _BODY

## The compute pass that turns the engine's buffers into canonical planes, in one storage buffer.
##
## One invocation per pixel. Every format but r8ui is whole words per pixel; the words of r8ui hold four pixels that
## follow each other (maybe over the end of a row) and are written by the first of the four alone, so nothing races.
## What the numbers mean stands in worldplate.gdshaderinc, the text that all engines share.
@tool
extends RefCounted

const GROUP: int = 8  # Pixels along each side of a workgroup.
const NO_PLANE: int = 0xffffffff

const _TEXT: ShaderInclude = preload("res://addons/worldplate/worldplate.gdshaderinc")

const _BODY: String = "
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform sampler2D color_texture;    // scene-linear, times color_scale
layout(set = 0, binding = 1) uniform sampler2D depth_texture;    // reverse-Z, 0 = nothing there
layout(set = 0, binding = 2) uniform sampler2D normal_texture;   // view space 0..1, roughness in alpha
layout(set = 0, binding = 3) uniform sampler2D motion_texture;   // previous_uv - uv, (-1, -1) = not written
layout(set = 0, binding = 4) uniform sampler2D mirror_texture;   // draw index, metallic and base colour as half floats
layout(set = 0, binding = 5, std430) restrict readonly buffer Things { uvec4 things[]; };  // id, label, metallic bits, 0
layout(set = 0, binding = 6, std430) restrict writeonly buffer Pack { uint words[]; };
layout(set = 0, binding = 7, std140) uniform Frame {
	mat4 world_from_view;
	mat4 previous_clip_from_view;  // OpenGL style, previous frame's lens, no jitter
	mat4 previous_clip_from_far;   // the same for directions: rotation alone
	vec4 lens;         // projection [0][0], [1][1], and its off-centre terms in x and y
	vec4 depth;        // the terms of wp_depth_from_terms; jitter in ndc (y up) in zw
	vec4 color_scale;  // x: canonical = stored * x
	ivec4 size;        // planes' width, height; the engine's internal width, height
	uvec4 place_a;     // words before color, depth, normal, motion
	uvec4 place_b;     // words before albedo, material, object, label
	uvec4 known;       // x: motion is known; y: the mirror is there; z: entries of things
} frame;

#define NO_PLANE 0xffffffffu
#define NAN_HALVES 0x7e007e00u

ivec2 source_of(ivec2 pixel) {
	return (2 * pixel + 1) * frame.size.zw / (2 * frame.size.xy);
}

uint bits15(float value) {
	uint bits = packHalf2x16(vec2(value, 0.0));
	return ((bits >> 1) & 0x4000u) | ((bits & 0x7fffu) - 0x2000u);
}

// Draw index (0: nothing is mirrored there), and the sRGB-coded base colour with the metallic texture's 4 bits above it.
uvec2 mirrored(ivec2 at) {
	vec3 coded = texelFetch(mirror_texture, at, 0).rgb;
	if (frame.known.y == 0u || coded.r == 0.0) {
		return uvec2(0u);
	}
	uint a = bits15(coded.r), b = bits15(coded.g), c = bits15(coded.b);
	uint index = a | ((b & 3u) << 15);
	uint red = (b >> 6) & 255u, blue = (c >> 8) | ((b >> 14) << 7);
	return uvec2(index < frame.known.z ? index : 0u, red | (c & 255u) << 8 | blue << 16 | ((b >> 2) & 15u) << 24);
}

void put4(uint place, uint i, vec4 value) {
	words[place + 2u * i] = packHalf2x16(value.xy);
	words[place + 2u * i + 1u] = packHalf2x16(value.zw);
}

uint motion_of(ivec2 at, ivec2 pixel, float z) {
	if (frame.known.x == 0u) {
		return NAN_HALVES;
	}
	vec2 motion = wp_motion_from_godot(texelFetch(motion_texture, at, 0).xy);
	if (wp_is_infinite(z) || wp_is_nan(motion.x)) {  // the sky's own is 0 where there is no sky to draw
		motion = wp_motion_of_camera((vec2(at) + 0.5) / vec2(frame.size.zw), z, frame.lens, frame.depth.zw,
			frame.previous_clip_from_view, frame.previous_clip_from_far);
	}
	return wp_is_nan(motion.x) ? NAN_HALVES : packHalf2x16(motion);
}

uint label_at(uint i) {
	uint pixels = uint(frame.size.x * frame.size.y);
	ivec2 pixel = ivec2(i % uint(frame.size.x), i / uint(frame.size.x));
	return i < pixels ? things[mirrored(source_of(pixel)).x].y & 255u : 0u;
}

void write_mirrored(ivec2 at, uint i, float roughness) {
	uvec2 thing = mirrored(at);
	if (frame.place_b.x != NO_PLANE) {
		vec3 coded = unpackUnorm4x8(thing.y).rgb;
		put4(frame.place_b.x, i, vec4(wp_linear_from_srgb(coded), thing.x == 0u ? 0.0 : 1.0));
	}
	if (frame.place_b.y != NO_PLANE) {
		float metallic = uintBitsToFloat(things[thing.x].z) * float(thing.y >> 24) / 15.0;
		words[frame.place_b.y + i] = packHalf2x16(vec2(roughness, metallic));
	}
	if (frame.place_b.z != NO_PLANE) {
		words[frame.place_b.z + i] = things[thing.x].x;
	}
	if (frame.place_b.w != NO_PLANE && i % 4u == 0u) {
		words[frame.place_b.w + i / 4u] =
			label_at(i) | label_at(i + 1u) << 8 | label_at(i + 2u) << 16 | label_at(i + 3u) << 24;
	}
}

void main() {
	ivec2 pixel = ivec2(gl_GlobalInvocationID.xy);
	if (any(greaterThanEqual(pixel, frame.size.xy))) {
		return;
	}
	uint i = uint(pixel.y * frame.size.x + pixel.x);
	ivec2 at = source_of(pixel);
	float device = texelFetch(depth_texture, at, 0).r;
	float z = wp_depth_from_terms(device, frame.depth.xy);
	if (frame.place_a.x != NO_PLANE) {
		vec4 color = texelFetch(color_texture, at, 0);
		put4(frame.place_a.x, i, vec4(wp_light_from_exposed(color.rgb, frame.color_scale.x), color.a));
	}
	if (frame.place_a.y != NO_PLANE) {
		words[frame.place_a.y + i] = floatBitsToUint(z);
	}
	vec4 coded = texelFetch(normal_texture, at, 0);
	if (frame.place_a.z != NO_PLANE) {
		vec3 normal = wp_is_infinite(z) ? vec3(0.0) : wp_normal_from_godot(coded.xyz, frame.world_from_view);
		put4(frame.place_a.z, i, vec4(normal, 0.0));
	}
	if (frame.place_a.w != NO_PLANE) {
		words[frame.place_a.w + i] = motion_of(at, pixel, z);
	}
	float roughness = wp_is_infinite(z) ? 0.0 : wp_roughness_from_godot(coded.w);
	write_mirrored(at, i, roughness);
}
"


## The whole text, to be compiled.
static func source() -> String:
	return "#version 450\n" + _TEXT.code + _BODY

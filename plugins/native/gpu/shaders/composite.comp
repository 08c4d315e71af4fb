// The picture: the plate over the engine's own, by the shader text that all plugins share (plugins/shaders).
#version 450
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 8, local_size_y = 8) in;

#define WP_GLSL
#define WP_PRECISE precise
#include "worldplate.hlsl"

layout(set = 0, binding = 0, std430) readonly buffer Color { uvec2 color[]; };
layout(set = 0, binding = 1, std430) readonly buffer Plate { uvec2 plate[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Picture { uvec2 picture[]; };
layout(push_constant) uniform Push {
	uvec2 size;
	float strength;  // 0: the engine's own picture
} push;

vec4 pixel_of(uvec2 packed) {
	return vec4(unpackHalf2x16(packed.x), unpackHalf2x16(packed.y));
}

void main() {
	uvec2 at = gl_GlobalInvocationID.xy;
	if (at.x >= push.size.x || at.y >= push.size.y) {
		return;
	}
	uint n = at.y * push.size.x + at.x;
	vec4 shown = wp_composite(pixel_of(color[n]), pixel_of(plate[n]), push.strength);
	picture[n] = uvec2(packHalf2x16(shown.xy), packHalf2x16(shown.zw));
}

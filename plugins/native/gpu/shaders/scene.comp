// The known scene (renderer/conformance/scene.json) by rays against boxes: canonical planes, straight into the shared
// buffer. Half floats are packed by hand, so that no extension is needed.
#version 450
layout(local_size_x = 8, local_size_y = 8) in;

struct Box {
	vec4 size_m;
	vec4 now;      // position
	vec4 turn;     // quaternion x,y,z,w
	vec4 before;
	vec4 turn_before;
	vec4 albedo;   // w: 1 where it is unlit
};

layout(set = 0, binding = 0, std430) readonly buffer Boxes { Box boxes[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Color { uvec2 color[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Depth { float depth[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Normal { uvec2 normal[]; };
layout(set = 0, binding = 4, std430) writeonly buffer Motion { uint motion[]; };
layout(set = 0, binding = 5, std430) writeonly buffer Object { uint object[]; };
layout(push_constant) uniform Push {
	vec4 eye;
	vec4 eye_turn;
	vec4 eye_before;
	vec4 eye_turn_before;
	uvec4 size;  // width, height, boxes, first box of this frame
	vec4 tangent; // x: half of the horizontal field of view, y: of the vertical
} push;

vec3 turned(vec4 q, vec3 v) {
	return v + 2.0 * cross(q.xyz, cross(q.xyz, v) + q.w * v);
}

vec4 back(vec4 q) {
	return vec4(-q.xyz, q.w);
}

vec2 uv_before(vec3 point, bool is_sky) {
	vec3 view = turned(back(push.eye_turn_before), is_sky ? point : point - push.eye_before.xyz);
	vec2 ndc = view.xy / -view.z / push.tangent.xy;
	return vec2(0.5 + 0.5 * ndc.x, 0.5 - 0.5 * ndc.y);
}

// The outward normal where the ray enters the box, and in w the ray's parameter; 0 where it misses.
vec4 meet(Box box, vec3 ray) {
	vec3 o = turned(back(box.turn), push.eye.xyz - box.now.xyz);
	vec3 d = turned(back(box.turn), ray);
	vec3 a = (-0.5 * box.size_m.xyz - o) / d;
	vec3 b = (0.5 * box.size_m.xyz - o) / d;
	vec3 near_m = min(a, b);
	vec3 far_m = max(a, b);
	float enter = max(near_m.x, max(near_m.y, near_m.z));
	bool hit = enter > 0.0 && enter <= min(far_m.x, min(far_m.y, far_m.z));
	vec3 axis = vec3(enter == near_m.x, enter == near_m.y && enter != near_m.x, 0.0);
	axis.z = 1.0 - axis.x - axis.y;
	return hit ? vec4(turned(box.turn, -sign(d) * axis), enter) : vec4(0.0);
}

void main() {
	uvec2 at = gl_GlobalInvocationID.xy;
	if (at.x >= push.size.x || at.y >= push.size.y) {
		return;
	}
	vec2 uv = (vec2(at) + 0.5) / vec2(push.size.xy);
	vec3 ray = turned(push.eye_turn, vec3((2.0 * uv - 1.0) * vec2(1.0, -1.0) * push.tangent.xy, -1.0));
	float nearest = uintBitsToFloat(0x7f800000u);
	uint found = 0u;
	vec3 facing = vec3(0.0);
	for (uint n = 0u; n < push.size.z; n++) {
		vec4 hit = meet(boxes[push.size.w + n], ray);
		if (hit.w > 0.0 && hit.w < nearest) {
			nearest = hit.w;
			found = n + 1u;
			facing = hit.xyz;
		}
	}
	vec3 light = vec3(0.3, 0.5, 0.9);
	vec2 then = uv_before(ray, true);
	if (found > 0u) {
		Box box = boxes[push.size.w + found - 1u];
		float lit = 0.25 + 0.75 * max(dot(facing, normalize(vec3(0.4, 0.8, 0.5))), 0.0);
		light = box.albedo.rgb * (box.albedo.w > 0.0 ? 1.0 : lit);
		vec3 own = turned(back(box.turn), push.eye.xyz + ray * nearest - box.now.xyz);
		then = uv_before(turned(box.turn_before, own) + box.before.xyz, false);
	}
	uint pixel = at.y * push.size.x + at.x;
	color[pixel] = uvec2(packHalf2x16(light.xy), packHalf2x16(vec2(light.z, 1.0)));
	depth[pixel] = nearest;
	normal[pixel] = uvec2(packHalf2x16(facing.xy), packHalf2x16(vec2(facing.z, 0.0)));
	motion[pixel] = packHalf2x16(then - uv);
	object[pixel] = found;
}

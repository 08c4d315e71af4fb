## The compute pass that lays a plate over the engine's colour, of the same frame or carried over from an older one.
##
## The text is a constant because exports leave out files that the engine does not know, and a .glsl would need an import.
## The rules are those of bridge/composite.py and bridge/reproject.py.
@tool
extends RefCounted

const GROUP: int = 8  # Pixels along each side of a workgroup.
const NO_PLANE: int = 0xffffffff

const SOURCE: String = "#version 450
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
#define INFINITE uintBitsToFloat(0x7f800000u)
#define RELATIVE_TOLERANCE 0.01
#define TOLERANCE_M 0.02
#define LEAST_WEIGHT 0.5

// By bits: compilers may take every float for finite.
bool finite(vec4 value) {
	return all(notEqual(floatBitsToUint(value) & 0x7f800000u, uvec4(0x7f800000u)));
}

bool infinite(float value) {
	return (floatBitsToUint(value) & 0x7fffffffu) == 0x7f800000u;
}

vec4 from_halves(uvec2 halves) {
	return vec4(unpackHalf2x16(halves.x), unpackHalf2x16(halves.y));
}

vec4 rounded(vec4 value) {
	return from_halves(uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw)));
}

float inverse_depth(uint bits) {
	return bits == 0x7f800000u ? 0.0 : 1.0 / uintBitsToFloat(bits);
}

vec4 unproject(ivec2 pixel, float z) {
	mat4 p = carry.target_projection;
	vec2 at = (vec2(pixel) + 0.5 - carry.jitter_px.zw) * 2.0 / vec2(call.size.xy);
	vec2 ndc = vec2(at.x - 1.0, 1.0 - at.y);
	float w = p[3][3] - p[2][3] * z;
	vec2 right_up = inverse(mat2(p)) * (ndc * w + p[2].xy * z - p[3].xy);
	return vec4(right_up, -z, 1.0);
}

// Whether the point can be followed, and with which matrix. Most pixels are on nothing that moves.
bool motion_of(uint id, out mat4 motion) {
	motion = carry.source_view_from_target_view;
	uint low = 0u, high = carry.body_count.x;
	while (low < high) {
		uint middle = (low + high) / 2u;
		if (carry.bodies[middle].id_known.x < id) {
			low = middle + 1u;
		} else {
			high = middle;
		}
	}
	if (low < carry.body_count.x && carry.bodies[low].id_known.x == id) {
		motion = carry.bodies[low].source_view_from_target_view;
		return carry.bodies[low].id_known.y != 0u;
	}
	return true;
}

// The four weights that have seen the point; the mean of the inverse depths there decides with them.
vec4 visible(vec4 weights, ivec2 first, float here, uint object) {
	float there = 0.0;
	for (int tap = 0; tap < 4; tap++) {
		ivec2 at = first + ivec2(tap & 1, tap >> 1);
		if (any(lessThan(at, ivec2(0))) || any(greaterThanEqual(at, call.size.xy))) {
			weights[tap] = 0.0;
			continue;
		}
		uint i = uint(at.y * call.size.x + at.x);
		float each = inverse_depth(source_words[call.words.y + i]);
		bool same = (each > 0.0) == (here > 0.0);
		if (call.words.z != NO_PLANE) {
			same = same && source_words[call.words.z + i] == object;
		}
		weights[tap] = same ? weights[tap] : 0.0;
		there += same ? weights[tap] * each : 0.0;
	}
	float total = dot(weights, vec4(1.0));
	if (total < LEAST_WEIGHT) {
		return vec4(0.0);
	}
	there /= total;
	bool seen = abs(here - there) <= max(RELATIVE_TOLERANCE * there, TOLERANCE_M * here * there);
	return seen ? weights / total : vec4(0.0);
}

vec4 plate_at(ivec2 first, vec4 weights) {
	vec4 mixed = vec4(0.0);
	for (int tap = 0; tap < 4; tap++) {
		if (weights[tap] > 0.0) {
			ivec2 at = first + ivec2(tap & 1, tap >> 1);
			vec4 over = from_halves(plate[at.y * call.size.x + at.x]);
			mixed += finite(over) ? weights[tap] * vec4(over.rgb * over.a, over.a) : vec4(0.0);
		}
	}
	return rounded(vec4(mixed.rgb / (mixed.a > 0.0 ? mixed.a : 1.0), mixed.a));
}

// The plate's pixel for this one of the target, alpha 0 where it cannot be known.
vec4 carried(ivec2 pixel) {
	uint i = uint(pixel.y * call.size.x + pixel.x);
	float z = uintBitsToFloat(target_words[call.words.y + i]);
	uint object = call.words.z == NO_PLANE ? 0u : target_words[call.words.z + i];
	mat4 motion;
	if (!motion_of(object, motion)) {
		return vec4(0.0);
	}
	bool sky = infinite(z);
	vec4 view = unproject(pixel, sky ? 1.0 : z);
	view.w = sky ? 0.0 : 1.0;  // the sky is a direction
	vec3 there = (motion * view).xyz;
	if (!(there.z < 0.0)) {
		return vec4(0.0);
	}
	vec4 clip = carry.source_projection * vec4(there, 1.0);
	vec2 half_size = vec2(call.size.xy) / 2.0;
	vec2 at = vec2(clip.x / clip.w + 1.0, 1.0 - clip.y / clip.w) * half_size + carry.jitter_px.xy - 0.5;
	if (!(all(greaterThan(at, vec2(-1.0))) && all(lessThan(at, vec2(call.size.xy))))) {
		return vec4(0.0);
	}
	vec2 part = fract(at);
	vec2 rest = 1.0 - part;
	vec4 weights = vec4(rest.x * rest.y, part.x * rest.y, rest.x * part.y, part.x * part.y);
	ivec2 first = ivec2(floor(at));
	weights = visible(weights, first, sky ? 0.0 : -1.0 / there.z, object);
	return plate_at(first, weights);
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
	bool shown = finite(over) && over.a > 0.0;
	float matte = shown ? min(over.a, 1.0) * call.light.x : 0.0;
	bool old = (mode & OLD) != 0u;
	if (matte <= 0.0 && !old) {
		return;
	}
	vec4 behind = imageLoad(color_image, at) * vec4(vec3(call.light.y), 1.0);
	if (old) {
		uint place = call.words.x + 2u * i;
		behind = from_halves(uvec2(target_words[place], target_words[place + 1u]));
	}
	over.a = 1.0;
	bool taken = matte >= 1.0 || (matte > 0.0 && !finite(behind));
	precise vec4 mixed = behind + (over - behind) * matte;
	vec4 picture = taken ? over : (matte > 0.0 ? mixed : behind);
	imageStore(color_image, at, rounded(vec4(picture.rgb * call.light.z, picture.a)));  // stores may cut off
}
"

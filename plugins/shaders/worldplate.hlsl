// What every plugin does with pixels: an engine's numbers to canonical ones, colour, the picture, plates of other frames.
//
// Pure functions, in HLSL that is GLSL too: include it as it is, or with WP_GLSL defined. Canonical is: view Z in metres,
// +inf where there is nothing; motion previous_uv - uv with v down, NaN where unknown; world-space unit normals, y up,
// z backward; scene-linear Rec.709 light. Matrices act on columns: mul(m, v). Scalar conditions alone choose, components
// are named one by one, and single bits tell NaN and infinity, since compilers may take every float for finite.

#ifndef WORLDPLATE_SHADERS
#define WORLDPLATE_SHADERS

#ifdef WP_GLSL
#define float2 vec2
#define float3 vec3
#define float4 vec4
#define float4x4 mat4
#define int2 ivec2
#define uint4 uvec4
#define asuint floatBitsToUint
#define asfloat uintBitsToFloat
#define mul(m, v) ((m) * (v))
#define WP_AT(m, row, column) ((m)[column][row])
#ifndef WP_PRECISE
#define WP_PRECISE
#endif
#else
#define WP_AT(m, row, column) ((m)[row][column])
#define WP_PRECISE precise
#endif

#define WP_INFINITE asfloat(0x7f800000u)
#define WP_NAN asfloat(0x7fc00000u)
#define WP_LIGHT_MAX 65504.0
#define WP_RELATIVE_TOLERANCE 0.01
#define WP_TOLERANCE_M 0.02
#define WP_RIM_TOLERANCE 0.1
#define WP_LEAST_WEIGHT 0.5

// --- Numbers ---------------------------------------------------------------------------------------------------------

bool wp_is_finite(float value) {
	return (asuint(value) & 0x7f800000u) != 0x7f800000u;
}

bool wp_is_infinite(float value) {
	return (asuint(value) & 0x7fffffffu) == 0x7f800000u;
}

bool wp_is_nan(float value) {
	return (asuint(value) & 0x7fffffffu) > 0x7f800000u;
}

bool wp_are_finite(float4 value) {
	return wp_is_finite(value.x) && wp_is_finite(value.y) && wp_is_finite(value.z) && wp_is_finite(value.w);
}

// Length 1; zero stays zero.
float3 wp_unit(float3 value) {
	return value / max(length(value), 1.0e-20);
}

// --- Depth -----------------------------------------------------------------------------------------------------------

// Of a reversed projection, near is 1 and far 0: depth_m = y / (device + x). Far may be infinite, as Unreal's is.
float2 wp_depth_terms(float near_m, float far_m) {
	float ratio = wp_is_infinite(far_m) ? 0.0 : near_m / far_m;
	return float2(ratio, near_m) / (1.0 - ratio);
}

// With the terms above, or the two numbers of the projection that the engine has drawn with. 0, the cleared value, is sky.
float wp_depth_from_terms(float device, float2 terms) {
	return device > 0.0 ? terms.y / (device + terms.x) : WP_INFINITE;
}

// Unity on Direct3D, Vulkan and Metal; Godot's Forward+ and Mobile.
float wp_depth_from_reversed(float device, float near_m, float far_m) {
	return wp_depth_from_terms(device, wp_depth_terms(near_m, far_m));
}

// Unreal. Its near plane is in centimetres: a hundredth of that.
float wp_depth_from_infinite(float device, float near_m) {
	return wp_depth_from_terms(device, float2(0.0, near_m));
}

// Unity on OpenGL, Godot's Compatibility renderer: near is 0 and far 1, which is sky.
float wp_depth_from_gl(float device, float near_m, float far_m) {
	float ratio = wp_is_infinite(far_m) ? 0.0 : near_m / far_m;
	return device < 1.0 ? near_m / ((1.0 - device) + device * ratio) : WP_INFINITE;
}

// --- Motion ----------------------------------------------------------------------------------------------------------

// Unity stores current - previous. HDRP writes x > 1 where there is none.
float2 wp_motion_from_unity(float2 stored) {
	return stored.x > 1.0 ? float2(WP_NAN, WP_NAN) : -stored;
}

// Godot stores canonical motion; (-1, -1), and what is beyond, is not written.
float2 wp_motion_from_godot(float2 stored) {
	return stored.x <= -1.0 && stored.y <= -1.0 ? float2(WP_NAN, WP_NAN) : stored;
}

// Current - previous in normalised device coordinates, y up: what Unreal's DecodeVelocityFromTexture gives.
float2 wp_motion_from_ndc(float2 velocity) {
	return float2(-0.5 * velocity.x, 0.5 * velocity.y);
}

float wp_unreal_velocity(float code) {
	float root = (code - 32767.0 / 65535.0) / 0.2495;
	return root * abs(root) * 0.5;
}

// Unreal's velocity texture as it is sampled, 0..1, square-root encoded since 5.0; (0, 0) is not written. Inside Unreal its
// own function comes first (see above).
float2 wp_motion_from_unreal(float2 code) {
	float2 motion = wp_motion_from_ndc(float2(wp_unreal_velocity(code.x), wp_unreal_velocity(code.y)));
	return code.x == 0.0 && code.y == 0.0 ? float2(WP_NAN, WP_NAN) : motion;
}

// Of what stands still: for pixels that no engine's pass has written. lens: projection [0][0], [1][1], [0][2], [1][2],
// without jitter; jitter_ndc has y up; previous_clip_from_far turns directions alone. NaN for what was behind the camera.
float2 wp_motion_of_camera(
	float2 uv, float depth_m, float4 lens, float2 jitter_ndc, float4x4 previous_clip_from_view, float4x4 previous_clip_from_far
) {
	float2 ndc = float2(2.0 * uv.x - 1.0, 1.0 - 2.0 * uv.y) - jitter_ndc;
	float3 ray = float3((ndc.x + lens.z) / lens.x, (ndc.y + lens.w) / lens.y, -1.0);
	bool sky = wp_is_infinite(depth_m);
	float3 view = ray * (sky ? 1.0 : depth_m);
	float4 far_clip = mul(previous_clip_from_far, float4(ray.x, ray.y, ray.z, 0.0));
	float4 near_clip = mul(previous_clip_from_view, float4(view.x, view.y, view.z, 1.0));
	float4 clip = sky ? far_clip : near_clip;
	float2 motion = float2(0.5 * (clip.x / clip.w - ndc.x), -0.5 * (clip.y / clip.w - ndc.y));
	return clip.w > 0.0 ? motion : float2(WP_NAN, WP_NAN);
}

// --- Normals and material --------------------------------------------------------------------------------------------

// World space, as Unity's own functions unpack it.
float3 wp_normal_from_unity(float3 normal) {
	return wp_unit(float3(normal.x, normal.y, -normal.z));
}

// The first three channels of Unreal's GBufferA: world space, 0..1.
float3 wp_normal_from_unreal(float3 stored) {
	float3 normal = stored * 2.0 - 1.0;
	return wp_unit(float3(normal.y, normal.z, -normal.x));
}

// The first three channels of Godot's normal-roughness buffer: view space, 0..1.
float3 wp_normal_from_godot(float3 stored, float4x4 world_from_view) {
	float3 normal = wp_unit(stored * 2.0 - 1.0);
	float4 turned = mul(world_from_view, float4(normal.x, normal.y, normal.z, 0.0));
	return float3(turned.x, turned.y, turned.z);
}

// The fourth channel of the same; above one half it flags what moves.
float wp_roughness_from_godot(float stored) {
	return (stored <= 0.5 ? stored : 1.0 - stored) * (255.0 / 127.0);
}

// --- Light and colour ------------------------------------------------------------------------------------------------

float wp_light_of(float stored, float scale) {
	return wp_is_nan(stored) ? stored : clamp(stored * scale, -WP_LIGHT_MAX, WP_LIGHT_MAX);
}

// Canonical light, as half floats can hold it. scale: Unity HDRP's inverse exposure multiplier, Unreal's
// View.OneOverPreExposure, Godot's 1 / exposure (Mobile: 2 / exposure). NaN stays.
float3 wp_light_from_exposed(float3 stored, float scale) {
	return float3(wp_light_of(stored.x, scale), wp_light_of(stored.y, scale), wp_light_of(stored.z, scale));
}

// IEC 61966-2-1; below 0 is 0.
float wp_srgb_of(float light) {
	float low = max(light, 0.0);
	return low <= 0.0031308 ? low * 12.92 : 1.055 * pow(low, 1.0 / 2.4) - 0.055;
}

float wp_linear_of(float coded) {
	float low = max(coded, 0.0);
	return low <= 0.04045 ? low / 12.92 : pow((low + 0.055) / 1.055, 2.4);
}

float3 wp_srgb_from_linear(float3 light) {
	return float3(wp_srgb_of(light.x), wp_srgb_of(light.y), wp_srgb_of(light.z));
}

float3 wp_linear_from_srgb(float3 coded) {
	return float3(wp_linear_of(coded.x), wp_linear_of(coded.y), wp_linear_of(coded.z));
}

// --- The picture -----------------------------------------------------------------------------------------------------

// 0..1: how much of the plate shows. A plate's pixel that is not finite counts as none.
float wp_matte(float4 over, float strength) {
	return wp_are_finite(over) && over.w > 0.0 ? min(over.w, 1.0) * strength : 0.0;
}

// The plate, straight alpha, over the engine's pixel, which comes back bit for bit where the matte is 0. Where the engine's
// is not finite, the plate is taken whole.
float4 wp_composite(float4 behind, float4 over, float strength) {
	float matte = wp_matte(over, strength);
	float4 opaque = float4(over.x, over.y, over.z, 1.0);
	WP_PRECISE float4 mixed = behind + (opaque - behind) * matte;
	float4 shown = matte >= 1.0 || !wp_are_finite(behind) ? opaque : mixed;
	return matte > 0.0 ? shown : behind;
}

// Whether the plate has to leave what is that near or far to the engine. far_m may be infinite.
bool wp_is_outside(float depth_m, float near_m, float far_m) {
	return depth_m < near_m || depth_m > far_m;
}

// low and high: one bit for each label 0..127 and 128..255.
bool wp_is_labelled(uint label, uint4 low, uint4 high) {
	uint place = (label & 127u) >> 5u;
	uint4 half_of = label < 128u ? low : high;
	uint word = place == 0u ? half_of.x : (place == 1u ? half_of.y : (place == 2u ? half_of.z : half_of.w));
	return label < 256u && ((word >> (label & 31u)) & 1u) != 0u;
}

#ifdef WP_ID_AT
// WP_ID_AT(i): the i-th of the ids, which ascend. Gives the place of that id, or count.
uint wp_place_of_id(uint id, uint count) {
	uint low = 0u;
	uint high = count;
	while (low < high) {
		uint middle = (low + high) / 2u;
		if (WP_ID_AT(middle) < id) {
			low = middle + 1u;
		} else {
			high = middle;
		}
	}
	return low < count && WP_ID_AT(low) == id ? low : count;
}
#endif

#ifdef WP_ID_AT
// Whether the engine keeps the pixel: by depth, by label, or because its object is one of the WP_ID_AT.
bool wp_engine_owns(float depth_m, float near_m, float far_m, uint label, uint4 low, uint4 high, uint id, uint count) {
	bool listed = wp_place_of_id(id, count) < count;
	return listed || wp_is_outside(depth_m, near_m, far_m) || wp_is_labelled(label, low, high);
}
#endif

// --- Plates of other frames ------------------------------------------------------------------------------------------

// The view-space point of a pixel of the target; w is 1, and 0 for the sky, which is a direction. Any projection that
// divides by a mix of 1 and z. jitter_px: y down.
float4 wp_unproject(int2 pixel, float depth_m, float4x4 projection, float2 jitter_px, int2 size) {
	bool sky = wp_is_infinite(depth_m);
	float z = sky ? 1.0 : depth_m;
	float2 at = float2(float(pixel.x) + 0.5 - jitter_px.x, float(pixel.y) + 0.5 - jitter_px.y);
	float2 ndc = float2(at.x * 2.0 / float(size.x) - 1.0, 1.0 - at.y * 2.0 / float(size.y));
	float w = WP_AT(projection, 3, 3) - WP_AT(projection, 3, 2) * z;
	float x = ndc.x * w + WP_AT(projection, 0, 2) * z - WP_AT(projection, 0, 3);
	float y = ndc.y * w + WP_AT(projection, 1, 2) * z - WP_AT(projection, 1, 3);
	float a = WP_AT(projection, 0, 0);
	float b = WP_AT(projection, 0, 1);
	float c = WP_AT(projection, 1, 0);
	float d = WP_AT(projection, 1, 1);
	float area = a * d - b * c;
	return float4((d * x - b * y) / area, (a * y - c * x) / area, -z, sky ? 0.0 : 1.0);
}

// Where a view-space point falls in the picture, pixels: 0 is the first pixel's centre, y down.
float2 wp_project(float3 view, float4x4 projection, float2 jitter_px, int2 size) {
	float4 clip = mul(projection, float4(view.x, view.y, view.z, 1.0));
	float x = (clip.x / clip.w + 1.0) * 0.5 * float(size.x);
	float y = (1.0 - clip.y / clip.w) * 0.5 * float(size.y);
	return float2(x + jitter_px.x - 0.5, y + jitter_px.y - 0.5);
}

// 1/m: linear in the picture over a plane, and 0 for the sky.
float wp_inverse_depth(float depth_m) {
	return wp_is_infinite(depth_m) ? 0.0 : 1.0 / depth_m;
}

// Whether two inverse depths are of one surface: to 1 % of the depth, or 2 cm.
bool wp_agrees(float here, float there) {
	return abs(here - there) <= max(WP_RELATIVE_TOLERANCE * there, WP_TOLERANCE_M * here * there);
}

// What a plate knows of a pixel: straight alpha, and 0..1; nothing is 0 in all.
struct WpKnown {
	float4 over;
	float confidence;
};

#ifdef WP_SOURCE_PLATE
// The plate's pixel for one of the target. WP_SOURCE_PLATE(at), WP_SOURCE_DEPTH(at), WP_SOURCE_OBJECT(at): of the frame
// that the plate was made for; `at` lies inside. source_from_target: view spaces, with the body's own motion in it.
// jitter_px: the source's, the target's. Confidence: how much of the four pixels there saw the point, times how large
// they show it.
WpKnown wp_carried(
	int2 pixel, float depth_m, uint object, float4x4 source_from_target, float4x4 source_projection,
	float4x4 target_projection, float4 jitter_px, int2 size
) {
	WpKnown known;
	known.over = float4(0.0, 0.0, 0.0, 0.0);
	known.confidence = 0.0;
	float4 view = wp_unproject(pixel, depth_m, target_projection, float2(jitter_px.z, jitter_px.w), size);
	float4 there = mul(source_from_target, view);
	float2 at = wp_project(float3(there.x, there.y, there.z), source_projection, float2(jitter_px.x, jitter_px.y), size);
	if (!(there.z < 0.0) || !(at.x > -1.0 && at.y > -1.0 && at.x < float(size.x) && at.y < float(size.y))) {
		return known;
	}
	float here = wp_is_infinite(depth_m) ? 0.0 : -1.0 / there.z;
	float2 first = float2(floor(at.x), floor(at.y));
	float total = 0.0;
	float inverse_depth = 0.0;
	float4 mixed = float4(0.0, 0.0, 0.0, 0.0);
	for (int tap = 0; tap < 4; tap++) {
		int2 by = int2(int(first.x) + (tap & 1), int(first.y) + (tap >> 1));
		if (by.x >= 0 && by.y >= 0 && by.x < size.x && by.y < size.y) {
			float each = wp_inverse_depth(WP_SOURCE_DEPTH(by));
			if ((each > 0.0) == (here > 0.0) && WP_SOURCE_OBJECT(by) == object) {
				float weight = (1.0 - abs(at.x - float(by.x))) * (1.0 - abs(at.y - float(by.y)));
				float4 over = WP_SOURCE_PLATE(by);
				total += weight;
				inverse_depth += weight * each;
				if (wp_are_finite(over)) {
					mixed += float4(over.x * over.w, over.y * over.w, over.z * over.w, over.w) * weight;
				}
			}
		}
	}
	float seen = inverse_depth / max(total, WP_LEAST_WEIGHT);
	if (total >= WP_LEAST_WEIGHT && wp_agrees(here, seen)) {
		float share = mixed.w > 0.0 ? mixed.w : 1.0;
		known.over = float4(mixed.x / share, mixed.y / share, mixed.z / share, mixed.w / total);
		known.confidence = total * (seen > 0.0 ? min(depth_m * seen, 1.0) : 1.0);
	}
	return known;
}
#endif

// A pixel beside one that no plate saw.
struct WpBeside {
	float4 over;
	float confidence;
	float depth_m;
	uint object;
};

// What a neighbour adds to a hole: its colour times matte, matte and confidence, by its confidence; 0 where it lies on
// another thing. A neighbour outside of the picture has confidence 0.
WpKnown wp_from_beside(float depth_m, uint object, WpBeside beside) {
	bool near_by = abs(depth_m - beside.depth_m) <= WP_RIM_TOLERANCE * beside.depth_m;
	bool same = wp_is_infinite(depth_m) ? wp_is_infinite(beside.depth_m) : wp_is_finite(beside.depth_m) && near_by;
	float weight = same && object == beside.object ? beside.confidence : 0.0;
	float matte = beside.over.w * weight;
	WpKnown given;
	given.over = float4(beside.over.x * matte, beside.over.y * matte, beside.over.z * matte, matte);
	given.confidence = weight;
	return given;
}

// A hole one pixel wide, filled from its four neighbours on the same thing, at half their confidence: along the edges of
// things plates lack up to a pixel, which would be a line of dots of the engine's picture. Wider holes stay.
WpKnown wp_fill_hole(float depth_m, uint object, WpBeside left, WpBeside right, WpBeside above, WpBeside below) {
	WpKnown a = wp_from_beside(depth_m, object, left);
	WpKnown b = wp_from_beside(depth_m, object, right);
	WpKnown c = wp_from_beside(depth_m, object, above);
	WpKnown d = wp_from_beside(depth_m, object, below);
	float count = (a.confidence > 0.0 ? 1.0 : 0.0) + (b.confidence > 0.0 ? 1.0 : 0.0);
	count += (c.confidence > 0.0 ? 1.0 : 0.0) + (d.confidence > 0.0 ? 1.0 : 0.0);
	float4 sum = a.over + b.over + c.over + d.over;
	float total = a.confidence + b.confidence + c.confidence + d.confidence;
	float share = sum.w > 0.0 ? sum.w : 1.0;
	WpKnown filled;
	filled.over = float4(sum.x / share, sum.y / share, sum.z / share, total > 0.0 ? sum.w / total : 0.0);
	filled.confidence = total / max(count, 1.0) * 0.5;
	return filled;
}

#endif

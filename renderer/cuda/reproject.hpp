// Plates of frames before, seen from where the engine is now: the answer to a frame that the model does not come to.
//
// As bridge/reproject.py, by the shader text: bodies by id, else motion where the plate is of the frame just before. Two
// plates at most, the newest first; what the other knows fills what the newest does not, or is mixed in by its share.
// A pixel that no plate saw looks at its four neighbours itself (a hole's edge, so few do): there is no second pass.
#pragma once

#include "launch.hpp"
#include "texels.hpp"

#define WP_SOURCES 2
#define WP_MOST_BODIES 24
#define WP_MOST_OWNED 128

struct Source {
	const uint8_t *depth, *object, *plate;  // object null: the engine sends none
	uint depth_pitch, object_pitch, plate_pitch, by_motion;
	float share, trust;
	float2 jitter_px;
	float4x4 projection;
};

struct Reproject {
	Source sources[WP_SOURCES];
	const uint8_t *depth, *object, *label, *motion;  // of the target; null: the engine sends none
	uint8_t *plate, *confidence;  // confidence, half floats, may be null
	uint width, height, depth_pitch, object_pitch, label_pitch, motion_pitch, plate_pitch, confidence_pitch;
	uint source_count, motion_is_float;
	float4x4 projection;
	float2 jitter_px;
	float strength, near_m, far_m;
	uint owned_count, body_count, listed_alone;  // the last: pixels of the bodies in `ids`, and no others
	uint4 labels_low, labels_high;
	uint owned[WP_MOST_OWNED];  // ascending, as `ids`
	uint ids[WP_MOST_BODIES];  // bodies that have moved
	// source_from_target of view spaces, three rows of four, of each body; NaN: it was not there. The last: what stands still.
	float bodies[WP_SOURCES][WP_MOST_BODIES + 1][12];
};

WP_MEMBERS_BEGIN
struct Owned {
	const Reproject &given;
#define WP_ID_AT(i) given.owned[i]
#include "worldplate.inc"
#undef WP_ID_AT
#undef WORLDPLATE_SHADERS
};

struct Target {
	const Reproject &given;
#define WP_ID_AT(i) given.ids[i]
#include "worldplate.inc"
#undef WP_ID_AT
#undef WORLDPLATE_SHADERS

	float depth_at(int x, int y) const { return float_at(given.depth, given.depth_pitch, x, y); }

	uint object_at(int x, int y) const {
		return given.object == nullptr ? 0u : uint_at(given.object, given.object_pitch, x, y);
	}

	// Where the source's camera has a point of the target's view space; w is 1, or 0 for a direction.
	float3 moved(uint source, uint body, float4 view) const {
		const float *m = given.bodies[source][body < given.body_count ? body : WP_MOST_BODIES];
		return float3(m[0] * view.x + m[1] * view.y + m[2] * view.z + m[3] * view.w,
					  m[4] * view.x + m[5] * view.y + m[6] * view.z + m[7] * view.w,
					  m[8] * view.x + m[9] * view.y + m[10] * view.z + m[11] * view.w);
	}

	// Follows the motion plane where it says that the point moves by itself. Says whether it does.
	bool follow(int x, int y, float2 &at) const {
		const float2 motion = pair_at(given.motion, given.motion_pitch, given.motion_is_float != 0u, x, y);
		const float2 by(float(x) + motion.x * float(given.width), float(y) + motion.y * float(given.height));
		const float along = by.x - at.x;
		const float down = by.y - at.y;
		const bool moves = along * along + down * down > 0.25f;  // false where the motion is NaN
		at = moves ? by : at;
		return moves;
	}

	// What one plate knows of the target's pixel: colours times matte, matte, and confidence; nothing is 0 in all.
	WP_INLINE WpKnown seen_by(uint source, int x, int y, float depth_m, uint object, uint body) {
		const Source &from = given.sources[source];
		const int2 size(int(given.width), int(given.height));
		WpKnown known;
		known.confidence = 0.0f;
		const float4 view = wp_unproject(int2(x, y), depth_m, given.projection, given.jitter_px, size);
		const float3 there = moved(source, body, view);
		float2 at = wp_project(there, from.projection, from.jitter_px, size);
		const bool trusted = from.by_motion != 0u && follow(x, y, at);
		if (!(there.z < 0.0f) || !(at.x > -1.0f && at.y > -1.0f && at.x < float(size.x) && at.y < float(size.y))) {
			return known;
		}
		const float here = wp_is_infinite(depth_m) ? 0.0f : -1.0f / there.z;
		const int left = int(floor(at.x));
		const int top = int(floor(at.y));
		float total = 0.0f;
		float inverse_depth = 0.0f;
		WP_ROLLED
		for (int tap = 0; tap < 4; tap++) {
			const int2 by(left + (tap & 1), top + (tap >> 1));
			if (by.x < 0 || by.y < 0 || by.x >= size.x || by.y >= size.y) {
				continue;
			}
			const float each = wp_inverse_depth(float_at(from.depth, from.depth_pitch, by.x, by.y));
			const uint on = from.object == nullptr ? object : uint_at(from.object, from.object_pitch, by.x, by.y);
			if ((each > 0.0f) != (here > 0.0f) || on != object) {
				continue;
			}
			const float weight = (1.0f - abs(at.x - float(by.x))) * (1.0f - abs(at.y - float(by.y)));
			const float4 over = pixel_at(from.plate, from.plate_pitch, by.x, by.y);
			total += weight;
			inverse_depth += weight * each;
			if (wp_are_finite(over)) {
				known.over += float4(over.x * over.w, over.y * over.w, over.z * over.w, over.w) * weight;
			}
		}
		const float found = inverse_depth / max(total, 0.5f);
		if (total >= 0.5f && (trusted || wp_agrees(here, found))) {
			known.over = known.over / total;
			known.confidence = from.trust * total * (found > 0.0f ? min(depth_m * found, 1.0f) : 1.0f);
		}
		return known;
	}

	// What all plates know of it, straight alpha.
	WP_INLINE WpKnown known_at(int x, int y, float depth_m, uint object, uint body) {
		WpKnown known;
		known.confidence = 0.0f;
		WP_ROLLED
		for (uint source = 0u; source < given.source_count; source++) {
			const float part = known.confidence > 0.0f ? given.sources[source].share : 1.0f;
			if (part <= 0.0f) {
				continue;
			}
			const WpKnown more = seen_by(source, x, y, depth_m, object, body);
			if (more.confidence > 0.0f) {
				known.over = known.over * (1.0f - part) + more.over * part;
				known.confidence += (more.confidence - known.confidence) * part;
			}
		}
		const float matte = known.over.w > 0.0f ? known.over.w : 1.0f;
		known.over = float4(known.over.x / matte, known.over.y / matte, known.over.z / matte, known.over.w);
		return known;
	}

	// The same; for a hole one pixel wide, what its neighbours know: see wp_fill_hole.
	WP_INLINE WpKnown known_or_filled(int x, int y, float depth_m, uint object, uint body) {
		WpBeside beside[4];
		WP_ROLLED
		for (int side = -1; side < 4; side++) {  // -1: the pixel itself
			const int column = x + (side == 0 ? -1 : (side == 1 ? 1 : 0));
			const int row = y + (side == 2 ? -1 : (side == 3 ? 1 : 0));
			const bool inside = column >= 0 && row >= 0 && column < int(given.width) && row < int(given.height);
			const bool same = inside && object_at(column, row) == object;  // another thing gives nothing
			const float there_m = same ? depth_at(column, row) : depth_m;
			WpKnown known;
			known.confidence = 0.0f;
			if (same) {
				known = known_at(column, row, there_m, object, body);
			}
			if (side >= 0) {
				beside[side].over = known.over;
				beside[side].confidence = known.confidence;
				beside[side].depth_m = there_m;
				beside[side].object = object;
			} else if (known.confidence > 0.0f) {
				return known;
			}
		}
		return wp_fill_hole(depth_m, object, beside[0], beside[1], beside[2], beside[3]);
	}
};
WP_MEMBERS_END

WP_KERNEL(worldplate_reproject, Reproject) {
	const Thread at = this_thread();
	if (at.x >= given.width || at.y >= given.height) {
		return;
	}
	const int x = int(at.x);
	const int y = int(at.y);
	Target target{given};
	const float depth_m = target.depth_at(x, y);
	const uint object = target.object_at(x, y);
	const uint body = given.object == nullptr ? given.body_count : target.wp_place_of_id(object, given.body_count);
	if (given.listed_alone != 0u && body == given.body_count) {
		return;
	}
	const uint label = given.label == nullptr ? 256u : given.label[uint64_t(y) * given.label_pitch + at.x];
	Owned own{given};
	const bool engines = own.wp_engine_owns(depth_m, given.near_m, given.far_m, label, given.labels_low, given.labels_high,
											object, given.owned_count);
	Target::WpKnown known;
	known.confidence = 0.0f;
	if (!engines) {
		known = target.known_or_filled(x, y, depth_m, object, body);
	}
	const float4 over(known.over.x, known.over.y, known.over.z, known.over.w * given.strength);
	put_pixel(given.plate, given.plate_pitch, x, y, over);
	if (given.confidence != nullptr) {
		put_half(given.confidence, given.confidence_pitch, x, y, known.confidence);
	}
}

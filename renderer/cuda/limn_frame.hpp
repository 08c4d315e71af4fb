// What limn's kernels are given: one struct for all of a frame, which renderer/cuda/limn.py has in Python.
#pragma once

#include "limn_formulas.hpp"
#include "texels.hpp"

enum { SHADES = 5, CHANNELS = 24 + SHADES, PARTS = 18, ANSWERS = 12, CONTROLS = 13, MOST_LAMPS = 8 };
enum { LAST_LABEL = 15 };
enum Label { SKY_LABEL = 1, GROUND_LABEL = 2, STONE_LABEL = 4, FOLIAGE_LABEL = 9, WATER_LABEL = 11, LIGHT_LABEL = 15 };

// An engine's plane: rows `pitch` bytes apart, of half floats or of floats; null where the engine sends none.
struct Plane {
	uint8_t *at;
	uint pitch, floats;
};

// A light of the weather, radiances scene-linear and exposed; as lanes_light.Numbers.
struct Light {
	float to_sun[3], sun[3], ambient[3], fog[3], disc[3], ground[3], lamp[3];
	float harmonics[27];
	float fog_per_m, cloud, night, sun_level;
};

// What is counted over the picture.
struct Sums {
	double solid;  // pixels that have something
	double count, a, b, aa, bb, ab;  // of every fourth pixel of every fourth row: the engine's shading and the sun's
};

// A thing that shines, as the cells see it. Sums are of whole numbers: so they are the same in any order.
struct Lamp {
	uint64_t key;  // its id + 1; 0 is a free row
	int64_t x, y, z;  // sums of its cells' places, in 2^-32 m of the camera's space: a lamp of one cell is where the cell is
	uint64_t area;  // in 2^-28 m2
	uint64_t cells;
};

struct Limn {
	Plane color, depth, normal, albedo, material, label, object, plate;
	// The model's own: pictures [height, width, ...], the network's padded ones, and cells row by row.
	float *depth_m, *x, *low, *parts, *hard, *told;
	const float *answers;
	float *place_m, *turned, *seen_m, *shades;  // [3, cells], [3, cells], [cells], [SHADES, cells]
	Sums *sums;  // of tiles, row by row
	const Sums *total;  // of the picture
	Lamp *lamps;  // a table of lamp_rows, a power of two, at least twice the cells
	uint *lamp_list;  // the rows of it that are taken, behind their number
	float *shining;  // [MOST_LAMPS, 4]: place in the camera's space and power
	const float *mirrored, *sky, *finishes;  // [64 * 64, 3], [48 * 96, 3], [16, 26]
	const uint *ids;  // of moving bodies, ascending
	const float *poses;  // [bodies, 12]: world_from_body's rotation, row by row, and its origin
	double projection_x, projection_y;
	uint width, height, x_columns, low_rows, low_columns, factor;
	uint cell, grid_rows, grid_columns, lamp_rows;
	uint bodies, opened_label, salt, cloud_salt;
	float pinhole[17];  // as fused.pinhole_of
	float to_sun[3];  // in the camera's space
	float scale[4];  // of shadows.Grid
	float lamp_luminance, lamp_area;  // of a cell a metre away, m2
	float wetness, snow, autumn, strength;
	float controls[CONTROLS], there[3];
	Light light;
};

LIMN_DEVICE float3 three(const float *from) {
	return float3(from[0], from[1], from[2]);
}

// The first three channels of four.
LIMN_DEVICE float3 color_at(const Plane &plane, uint x, uint y) {
	if (plane.floats != 0u) {
		return three(reinterpret_cast<const float *>(texel(plane.at, plane.pitch, 16u, x, y)));
	}
	const float4 pixel = pixel_at(plane.at, plane.pitch, x, y);
	return float3(pixel.x, pixel.y, pixel.z);
}

LIMN_DEVICE float engine_depth_at(const Limn &given, uint x, uint y) {
	return float_at(given.depth.at, given.depth.pitch, x, y);
}

// What is no label is a thing of which nothing is known.
LIMN_DEVICE uint label_at(const Limn &given, uint x, uint y) {
	if (given.label.at == nullptr) {
		return 0u;
	}
	const uint label = *texel(given.label.at, given.label.pitch, 1u, x, y);
	return label <= LAST_LABEL ? label : 0u;
}

// Whether the set counts as open there; as extension.opened.
LIMN_DEVICE bool is_opened(const Limn &given, uint x, uint y) {
	if (given.opened_label > 255u || given.label.at == nullptr) {
		return false;
	}
	const float depth_m = engine_depth_at(given, x, y);
	const bool there = depth_m > -WP_INFINITY && depth_m < WP_INFINITY;
	return there && *texel(given.label.at, given.label.pitch, 1u, x, y) == given.opened_label;
}

LIMN_DEVICE uint object_at(const Limn &given, uint x, uint y) {
	if (is_opened(given, x, y)) {
		return 0u;
	}
	return uint_at(given.object.at, given.object.pitch, x, y);
}

// Which of the moving bodies it is, counted from 1; 0 is none.
LIMN_DEVICE uint body_of(const Limn &given, uint object) {
	uint low = 0u, high = given.bodies;
	while (low < high) {
		const uint middle = (low + high) / 2u;
		if (given.ids[middle] < object) {
			low = middle + 1u;
		} else {
			high = middle;
		}
	}
	return low < given.bodies && given.ids[low] == object ? low + 1u : 0u;
}

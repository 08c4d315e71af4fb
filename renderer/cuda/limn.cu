// limn on the GPU: what its network is shown of a frame, and its plate.
//
// The formulas are those of renderer/models/limn/lanes*.py and finish.py, which tests hold these to, pixel by pixel. Every
// kernel but two takes the one struct of limn_frame.hpp. Nothing here allocates or waits, and sums are in an
// order that is always the same, or of whole numbers: equal frames give equal bits.
#include "limn_pixel.hpp"
#include "limn_plate.hpp"
#include "limn_shades.hpp"

enum { TILE = 8, APART = 4, SUMMED = 32 };

// A pixel's part of features.agreement_of.
LIMN_DEVICE void add_sample(const Limn &given, uint x, uint y, Sums &sums) {
	const float3 color = saned(color_at(given.color, x, y), 0.0f, 50.0f);
	const float3 normal = saned(color_at(given.normal, x, y), -1.0f, 1.0f);
	const float lit = clip(mean(color) / (mean(albedo_at(given, x, y, color)) + 0.02f), 0.0f, 8.0f);
	const float facing = dot(normal, three(given.light.to_sun));
	const double a = lit, b = facing > 0.0f ? facing : 0.0f;
	sums.count += 1.0;
	sums.a += a;
	sums.b += b;
	sums.aa += a * a;
	sums.bb += b * b;
	sums.ab += a * b;
}

// depth_m, and what is counted of TILE x TILE pixels: one thread a tile.
WP_KERNEL(limn_measure, Limn) {
	const Thread at = this_thread();
	const uint columns = (given.width + TILE - 1u) / TILE, rows = (given.height + TILE - 1u) / TILE;
	if (at.x >= columns || at.y >= rows) {
		return;
	}
	Sums sums = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
	for (uint y = at.y * TILE; y < at.y * TILE + TILE && y < given.height; y++) {
		for (uint x = at.x * TILE; x < at.x * TILE + TILE && x < given.width; x++) {
			const float depth_m = depth_at(given, x, y);
			given.depth_m[y * given.width + x] = depth_m;
			if (depth_m < WP_INFINITY) {
				sums.solid += 1.0;
				if (x % APART == 0u && y % APART == 0u) {
					add_sample(given, x, y, sums);
				}
			}
		}
	}
	given.sums[at.y * columns + at.x] = sums;
}

struct Add {
	const Sums *from;
	Sums *to;
	uint count, reserved;
};

// SUMMED sums into one, by each thread.
WP_KERNEL(limn_add, Add) {
	const Thread at = this_thread();
	if (at.y > 0u || at.x * SUMMED >= given.count) {
		return;
	}
	Sums total = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
	for (uint i = at.x * SUMMED; i < at.x * SUMMED + SUMMED && i < given.count; i++) {
		const Sums &part = given.from[i];
		total.solid += part.solid;
		total.count += part.count;
		total.a += part.a;
		total.b += part.b;
		total.aa += part.aa;
		total.bb += part.bb;
		total.ab += part.ab;
	}
	given.to[at.x] = total;
}

// What the network is told of the frame as a whole; as features.told_of. One thread.
WP_KERNEL(limn_tell, Limn) {
	const Thread at = this_thread();
	if (at.x + at.y > 0u) {
		return;
	}
	const Sums &s = *given.total;
	double agreement = 0.0;
	if (s.count > 0.0) {
		const double aa = s.aa - s.a * s.a / s.count, bb = s.bb - s.b * s.b / s.count, ab = s.ab - s.a * s.b / s.count;
		const double square = (aa > 0.0 ? aa : 0.0) * (bb > 0.0 ? bb : 0.0);
		const double both = __builtin_sqrt(square);
		agreement = ab / (both > 1e-3 ? both : 1e-3);
	}
	for (uint k = 0u; k < CONTROLS; k++) {
		given.told[k] = given.controls[k];
	}
	given.told[CONTROLS] = static_cast<float>(agreement);
	const double pixels = static_cast<double>(given.width) * given.height;
	given.told[CONTROLS + 1] = static_cast<float>(1.0 - s.solid / pixels);
	for (uint k = 0u; k < 3u; k++) {
		given.told[CONTROLS + 2 + k] = given.there[k];
	}
}

// Empties the table of things that shine: 256 rows of it to a row of threads.
WP_KERNEL(limn_clear, Limn) {
	const Thread at = this_thread();
	const uint row = at.y * 256u + at.x;
	if (at.x < 256u && row < given.lamp_rows) {
		given.lamps[row] = {0u, 0, 0, 0, 0u, 0u};
	}
	if (at.x + at.y == 0u) {
		given.lamp_list[0] = 0u;
	}
}

// The pixels that stand for the cells, as shadows.grid_of, and their lamps: one thread a cell.
WP_KERNEL(limn_gather, Limn) {
	const Thread at = this_thread();
	if (at.x >= given.grid_columns || at.y >= given.grid_rows) {
		return;
	}
	const uint count = given.grid_rows * given.grid_columns, cell = at.y * given.grid_columns + at.x;
	const uint x = pixel_of(at.x, given.cell, given.width), y = pixel_of(at.y, given.cell, given.height);
	const double u = (x + 0.5) / given.width * 2.0 - 1.0, v = 1.0 - (y + 0.5) / given.height * 2.0;
	const float depth_m = given.depth_m[y * given.width + x];
	const float seen_m = depth_m < WP_INFINITY ? depth_m : 0.0f;
	const float right = static_cast<float>(u / given.projection_x), up = static_cast<float>(v / given.projection_y);
	const float3 place_m(right * seen_m, up * seen_m, -seen_m);
	float3 n = saned(color_at(given.normal, x, y), -1.0f, 1.0f);
	n = dot(n, n) < 0.01f ? float3(0.0f, 1.0f, 0.0f) : n;
	const float *turn = given.pinhole;
	given.seen_m[cell] = seen_m;
	given.place_m[cell] = place_m.x;
	given.place_m[cell + count] = place_m.y;
	given.place_m[cell + 2u * count] = place_m.z;
	for (uint k = 0u; k < 3u; k++) {
		given.turned[cell + k * count] = n.x * turn[k] + n.y * turn[3u + k] + n.z * turn[6u + k];
	}
	if (seen_m > 0.0f && label_at(given, x, y) == LIGHT_LABEL) {
		add_lamp(given, object_at(given, x, y), place_m, seen_m * seen_m * given.lamp_area);
	}
}

// The lamps that cover most cells, those with the lower id first where they cover as many: one thread a row of the list.
WP_KERNEL(limn_shine, Limn) {
	const Thread at = this_thread();
	const uint count = given.lamp_list[0], mine = at.y * 256u + at.x;
	if (at.x >= 256u || mine >= count) {
		return;
	}
	const Lamp &lamp = given.lamps[given.lamp_list[1u + mine]];
	uint before = 0u;
	for (uint k = 0u; k < count && before < MOST_LAMPS; k++) {
		const Lamp &other = given.lamps[given.lamp_list[1u + k]];
		const bool first = other.cells > lamp.cells || (other.cells == lamp.cells && other.key < lamp.key);
		before += first ? 1u : 0u;
	}
	if (before < MOST_LAMPS) {
		float *out = given.shining + before * 4u;
		const double share = 1.0 / (4294967296.0 * static_cast<double>(lamp.cells));
		out[0] = static_cast<float>(static_cast<double>(lamp.x) * share);
		out[1] = static_cast<float>(static_cast<double>(lamp.y) * share);
		out[2] = static_cast<float>(static_cast<double>(lamp.z) * share);
		out[3] = static_cast<float>(static_cast<double>(lamp.area) / 268435456.0) * given.lamp_luminance;
	}
}

// The shades of a cell.
WP_KERNEL(limn_shade, Limn) {
	const Thread at = this_thread();
	if (at.x >= given.grid_columns || at.y >= given.grid_rows) {
		return;
	}
	const Cell cell = cell_at(given, at.x, at.y);
	float shades[SHADES] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
	if (cell.deep > 0.0f) {
		const float2 sun = sun_reaches(given, cell);
		shades[0] = sun.x;
		shades[1] = sun.y;
		shades[2] = open_within(given, cell, 0.4f, float3(0.35f, 1.0f, 0.0f), 2);
		shades[3] = open_within(given, cell, 2.5f, float3(0.15f, 0.45f, 1.0f), 3);
		shades[4] = lamplight(given, cell);
	}
	const uint count = given.grid_rows * given.grid_columns;
	for (uint k = 0u; k < SHADES; k++) {
		given.shades[k * count + at.y * given.grid_columns + at.x] = shades[k];
	}
}

// What the network is shown of a pixel, and what its plate is made of.
WP_KERNEL(limn_see, Limn) {
	const Thread thread = this_thread();
	if (thread.x >= given.width || thread.y >= given.height) {
		return;
	}
	Pixel at = taken(given, thread.x, thread.y);
	place(given, at, thread.x, thread.y);
	float *x = given.x + (static_cast<uint64_t>(thread.y) * given.x_columns + thread.x) * CHANNELS;
	float *shades = x + CHANNELS - SHADES;
	Lit made;
	if (at.solid) {
		Painted surface = painted(given, at);
		if (at.body > 0u) {
			surface.relief = turned_out_of(given.poses + (at.body - 1u) * 12u, surface.relief);
		}
		made = lit(given, at, surface);
		spread(given, thread.x, thread.y, at.depth_m, shades);
	} else {
		made = unlit(given, at);
		for (uint k = 0u; k < SHADES; k++) {
			shades[k] = 0.0f;
		}
	}
	put_channels(given, at, made, x);
	put_parts(made, given.parts + (static_cast<uint64_t>(thread.y) * given.width + thread.x) * PARTS);
}

// A channel of what the trunk sees: the mean of factor x factor pixels. One thread a number, a row of them a row.
WP_KERNEL(limn_reduce, Limn) {
	const Thread at = this_thread();
	const uint row = given.low_columns * CHANNELS;
	if (at.x >= row || at.y >= given.low_rows) {
		return;
	}
	const uint column = at.x / CHANNELS, channel = at.x % CHANNELS, factor = given.factor;
	float total = 0.0f;
	for (uint k = 0u; k < factor; k++) {
		const uint64_t y = at.y * factor + k;
		for (uint m = 0u; m < factor; m++) {
			total += given.x[(y * given.x_columns + column * factor + m) * CHANNELS + channel];
		}
	}
	given.low[static_cast<uint64_t>(at.y) * row + at.x] = total * (1.0f / static_cast<float>(factor * factor));
}

// The plate before edges are softened, and how soft they shall be.
WP_KERNEL(limn_compose, Limn) {
	const Thread at = this_thread();
	if (at.x < given.width && at.y < given.height) {
		compose(given, at.x, at.y);
	}
}

// The plate.
WP_KERNEL(limn_soften, Limn) {
	const Thread at = this_thread();
	if (at.x < given.width && at.y < given.height) {
		soften(given, at.x, at.y);
	}
}

enum { BODIES = 64 };

// Some moving bodies, on their way to the GPU as a launch's own argument.
struct Bodies {
	uint *ids;
	float *poses;
	uint first, count;
	uint some_ids[BODIES];
	float some_poses[BODIES * 12];
};

WP_KERNEL(limn_bodies, Bodies) {
	const Thread at = this_thread();
	if (at.x >= given.count || at.y > 0u) {
		return;
	}
	given.ids[given.first + at.x] = given.some_ids[at.x];
	for (uint k = 0u; k < 12u; k++) {
		given.poses[(given.first + at.x) * 12u + k] = given.some_poses[at.x * 12u + k];
	}
}

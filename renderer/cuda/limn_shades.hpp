// What a picture's own geometry says of its light: renderer/models/limn/lanes_shadows.py for one cell, and its lamps.
#pragma once

#include "limn_frame.hpp"

struct Cell {
	float3 place_m, normal;  // in the camera's space
	float deep;  // view depth in metres; 0 for the sky
	uint x, y;
};

LIMN_DEVICE float3 along_planes(const float *planes, uint at, uint count) {
	return float3(planes[at], planes[at + count], planes[at + 2u * count]);
}

LIMN_DEVICE Cell cell_at(const Limn &given, uint x, uint y) {
	const uint count = given.grid_rows * given.grid_columns, at = y * given.grid_columns + x;
	return {along_planes(given.place_m, at, count), along_planes(given.turned, at, count), given.seen_m[at], x, y};
}

// The pixel that stands for a cell along a side.
LIMN_DEVICE uint pixel_of(uint cell, uint size, uint side) {
	const uint middle = cell * size + size / 2u;
	return middle < side - 1u ? middle : side - 1u;
}

// Whether nothing is met on the way to the sun, 0 or 1, and the share of the way that lies in the picture.
LIMN_DEVICE float2 sun_reaches(const Limn &given, const Cell &cell) {
	const float3 p = cell.place_m, n = cell.normal, sun = three(given.to_sun);
	const float wide = given.scale[0], tall = given.scale[1];
	if (!(dot(n, sun) > 0.0f)) {
		return float2(0.0f, 1.0f);
	}
	float ahead = 0.04f + 0.01f * cell.deep;
	const float off = -0.01f * p.z + 0.01f;
	for (int step = 0; step < 16; step++) {
		const float away = -(p.z + n.z * off + sun.z * ahead);
		const float right = p.x + n.x * off + sun.x * ahead, up = p.y + n.y * off + sun.y * ahead;
		const bool before = away > 0.05f;
		const float per = 1.0f / (before ? away : 1.0f);
		const float u = (right * per * given.scale[2] + 1.0f) * 0.5f * wide;
		const float v = (1.0f - up * per * given.scale[3]) * 0.5f * tall;
		if (!(before && u >= 0.0f && v >= 0.0f && u < wide && v < tall)) {
			return float2(1.0f, static_cast<float>(step) * (1.0f / 16.0f));
		}
		const float there = given.seen_m[static_cast<uint>(v) * given.grid_columns + static_cast<uint>(u)];
		const float thick = 0.5f * ahead, behind = away - there;
		if (behind > 0.01f * there + 0.02f && behind < (thick > 0.4f ? thick : 0.4f) && there > 0.0f) {
			return float2(0.0f, 1.0f);
		}
		ahead = ahead * 1.45f;
	}
	return float2(1.0f, 1.0f);
}

// The sine over the tangent plane of what is seen in another cell, faded with its distance.
LIMN_DEVICE float risen(const Limn &given, const Cell &cell, uint column, uint row, float there, float fade_m2) {
	uint px = column * given.cell + given.cell / 2u, py = row * given.cell + given.cell / 2u;
	px = px < given.width - 1u ? px : given.width - 1u;
	py = py < given.height - 1u ? py : given.height - 1u;
	const float step_x = 2.0f / static_cast<float>(given.width), step_y = 2.0f / static_cast<float>(given.height);
	const float per_x = 1.0f / given.scale[2], per_y = 1.0f / given.scale[3];
	const float right = ((static_cast<float>(px) + 0.5f) * step_x - 1.0f) * per_x * there - cell.place_m.x;
	const float up = (1.0f - (static_cast<float>(py) + 0.5f) * step_y) * per_y * there - cell.place_m.y;
	const float3 to(right, up, -there - cell.place_m.z);
	const float far2 = dot(to, to), fade = 1.0f - far2 * fade_m2;
	return (dot(to, cell.normal) / (root(far2) + 1e-6f) - 0.05f) * (fade > 0.0f ? fade : 0.0f);
}

// 1 where nothing rises above the tangent plane within the radius, less the more does.
LIMN_DEVICE float open_within(const Limn &given, const Cell &cell, float radius_m, float3 taps, int count) {
	const float along[6] = {1.0f, 0.5f, -0.5f, -1.0f, -0.5f, 0.5f};
	const float down[6] = {0.0f, 0.8660254f, 0.8660254f, 0.0f, -0.8660254f, -0.8660254f};
	const float rows = static_cast<float>(given.grid_rows), columns = static_cast<float>(given.grid_columns);
	const float wide_m = radius_m * (1.0f + 0.05f * cell.deep);
	const float fade_m2 = 1.0f / (4.0f * wide_m * wide_m);
	const float reach = wide_m * (given.scale[2] * 0.5f * given.scale[0]) / cell.deep;  // in cells
	float covered = 0.0f;
	for (int a = 0; a < 6; a++) {
		float highest = 0.0f;
		for (int k = 0; k < count; k++) {
			const float far = (k == 0 ? taps.x : (k == 1 ? taps.y : taps.z)) * reach + 1.0f;
			const float u = static_cast<float>(cell.x) + along[a] * far + 0.5f;
			const float v = static_cast<float>(cell.y) + down[a] * far + 0.5f;
			if (!(u >= 0.0f && v >= 0.0f && u < columns && v < rows)) {
				break;
			}
			const uint column = static_cast<uint>(u), row = static_cast<uint>(v);
			const float there = given.seen_m[row * given.grid_columns + column];
			const float sine = there > 0.0f ? risen(given, cell, column, row, there, fade_m2) : 0.0f;
			highest = sine > highest ? sine : highest;
		}
		covered += highest;
	}
	return 1.0f - covered * static_cast<float>(1.0 / 6.0);
}

// Logarithm of what a white sheet there sends back of the lamps' light; no shadows.
LIMN_DEVICE float lamplight(const Limn &given, const Cell &cell) {
	float total = 0.0f;
	for (uint k = 0u; k < MOST_LAMPS && k < given.lamp_list[0]; k++) {
		const float *lamp = given.shining + k * 4u;
		const float3 to = three(lamp) - cell.place_m;
		const float far2 = dot(to, to), rise = dot(to, cell.normal);
		total += lamp[3] * (rise > 0.0f ? rise : 0.0f) / ((root(far2) + 1e-6f) * (far2 + 0.01f));
	}
	return log_of(total * 0.31830987f + 0.01f) * 0.25f;
}

// The cell before a pixel, and how far the pixel lies to the next.
LIMN_DEVICE float2 place_in_grid(uint pixel, uint cell, uint cells) {
	const float size = static_cast<float>(cell), last = static_cast<float>(cells - 1u);
	float along = (static_cast<float>(pixel) - floor(size * 0.5f)) * (1.0f / size);
	along = along > 0.0f ? along : 0.0f;
	float first = floor(along);
	first = first < last ? first : last;
	return float2(first, clip(along - first, 0.0f, 1.0f));
}

// How much a cell counts at a pixel: nearly nothing where it lies at another depth.
LIMN_DEVICE float weight_of(const Limn &given, uint cell, float here, float near) {
	const float there = given.seen_m[cell];
	const bool solid = there > 0.0f, same = solid && abs(there - here) <= 0.05f * here;
	return (near + 1e-3f) * (same ? 1.0f : (solid ? 1e-3f : 1e-7f));
}

// The shades of a solid pixel, from the four cells around it.
LIMN_DEVICE void spread(const Limn &given, uint x, uint y, float depth_m, float *out) {
	const uint columns = given.grid_columns, count = given.grid_rows * columns;
	const float2 across = place_in_grid(x, given.cell, columns), down = place_in_grid(y, given.cell, given.grid_rows);
	const uint left = static_cast<uint>(across.x), right = left + 1u < columns ? left + 1u : columns - 1u;
	const uint top = static_cast<uint>(down.x), low = top + 1u < given.grid_rows ? top + 1u : given.grid_rows - 1u;
	const uint at[4] = {top * columns + left, top * columns + right, low * columns + left, low * columns + right};
	const float s = across.y, r = down.y;
	const float a = weight_of(given, at[0], depth_m, (1.0f - r) * (1.0f - s));
	const float b = weight_of(given, at[1], depth_m, (1.0f - r) * s);
	const float c = weight_of(given, at[2], depth_m, r * (1.0f - s));
	const float d = weight_of(given, at[3], depth_m, r * s);
	const float share = 1.0f / (a + b + c + d);
	for (uint k = 0u; k < SHADES; k++) {
		const float *shades = given.shades + k * count;
		const float upper = a * share * shades[at[0]] + b * share * shades[at[1]];
		out[k] = upper + c * share * shades[at[2]] + d * share * shades[at[3]];
	}
}

// A cell's part of a thing that shines, for the table of such things.
LIMN_DEVICE void add_lamp(const Limn &given, uint object, float3 place_m, float area_m2) {
	const uint64_t key = object + 1ull;
	uint row = object * 0x27D4EB2Du & (given.lamp_rows - 1u);
	for (;;) {
		uint64_t found = 0u;
		if (__atomic_compare_exchange_n(&given.lamps[row].key, &found, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			given.lamp_list[1u + __atomic_fetch_add(&given.lamp_list[0], 1u, __ATOMIC_RELAXED)] = row;
			break;
		}
		if (found == key) {
			break;
		}
		row = (row + 1u) & (given.lamp_rows - 1u);
	}
	Lamp &lamp = given.lamps[row];
	const float far_m = 4096.0f, per_m = 4294967296.0f;  // sums of half a million cells fit
	__atomic_fetch_add(&lamp.x, static_cast<int64_t>(clip(place_m.x, -far_m, far_m) * per_m), __ATOMIC_RELAXED);
	__atomic_fetch_add(&lamp.y, static_cast<int64_t>(clip(place_m.y, -far_m, far_m) * per_m), __ATOMIC_RELAXED);
	__atomic_fetch_add(&lamp.z, static_cast<int64_t>(clip(place_m.z, -far_m, far_m) * per_m), __ATOMIC_RELAXED);
	const float area = clip(area_m2, 0.0f, 16384.0f) * 268435456.0f;
	__atomic_fetch_add(&lamp.area, static_cast<uint64_t>(area), __ATOMIC_RELAXED);
	__atomic_fetch_add(&lamp.cells, 1ull, __ATOMIC_RELAXED);
}

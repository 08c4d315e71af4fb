// What surfaces are made of, in a season and weather: renderer/models/limn/lanes_surface.py for one pixel.
#pragma once

#include "limn_frame.hpp"

// Columns of a finish, as finishes.Finish has them; the last says whether the pattern lies turned.
enum Finish {
	CELL_U, CELL_V, BOND, JOINT, DARK, TINT, HUE, BEVEL, JITTER, LOW, LOW_AMOUNT, FINE_U, FINE_V, FINE_AMOUNT, RELIEF,
	PATCH, PATCH_SHARE, PATCH_R, PATCH_G, PATCH_B, STRIPE, ROUGH, ROUGH_SPREAD, SHINE, METAL, TURNED, FINISH_COLUMNS
};

// A pixel as the engine has it, and where it lies.
struct Pixel {
	float3 color, normal, albedo;
	float matte, metallic, depth_m;
	uint label, body;  // counted from 1; 0 stands still
	bool solid;
	float3 ray;  // unit, world space
	float distance_m, world_y_m, foot;  // along the ray; and how wide a pixel is on the surface
	float3 anchor_m, anchor_normal;  // in the world, or in the body's own space
};

// And as it is painted.
struct Painted {
	float u, v, hash, hash2, joint, sharp, gain, low, tilt_u, tilt_v, rough, metal, metal_covered, shine;
	bool along_x, along_y;
	float3 opened, covered;  // albedo where rain and snow fall, and where they do not
	float3 straight;  // reflectance at normal incidence
	float3 relief;  // the normal with its relief
};

// Coordinates on the surface, which cell the pixel lies on, its hashes, its joints and the bevel of its edges.
LIMN_DEVICE void find_cell(Painted &t, const Pixel &at, const float *finish, uint salt) {
	const float ax = abs(at.anchor_normal.x), ay = abs(at.anchor_normal.y), az = abs(at.anchor_normal.z);
	t.along_x = ax >= ay && ax >= az;
	t.along_y = ay > ax && ay >= az;
	const float u = t.along_x ? at.anchor_m.z : at.anchor_m.x, v = t.along_y ? at.anchor_m.z : at.anchor_m.y;
	const bool turned = finish[TURNED] > 0.0f;
	t.u = turned ? v : u;
	t.v = turned ? u : v;
	const float cu = finish[CELL_U], cv = finish[CELL_V];
	const float across = t.v / cv, row = floor(across);
	const float along = t.u / cu + row * finish[BOND], column = floor(along);
	t.hash = hashed(whole(column), whole(row), salt + 1u);
	t.hash2 = hashed(whole(column), whole(row), salt + 2u);
	const float fu = along - column, fv = across - row;
	const float eu = (fu < 1.0f - fu ? fu : 1.0f - fu) * cu, ev = (fv < 1.0f - fv ? fv : 1.0f - fv) * cv;
	const float edge = eu < ev ? eu : ev, narrow = cu < cv ? cu : cv;
	t.sharp = clip(1.5f - 2.0f * at.foot / narrow, 0.0f, 1.0f);
	const float soft = 0.6f * at.foot + 0.004f;
	const float joint = clip((finish[JOINT] + soft - edge) / (2.0f * soft), 0.0f, 1.0f);
	t.joint = finish[JOINT] > 0.0f ? t.sharp * joint : 0.0f;
	const float reach = finish[JOINT] + 2.5f * soft + 0.35f * finish[BEVEL] * narrow;
	const float bevel = finish[BEVEL] * t.sharp * step(reach, finish[JOINT], edge);
	const bool sideways = eu < ev;
	t.tilt_u = sideways ? (fu < 0.5f ? -bevel : bevel) : 0.0f;
	t.tilt_v = sideways ? 0.0f : (fv < 0.5f ? -bevel : bevel);
	const float parity = 1.0f - 2.0f * (row - 2.0f * floor(row * 0.5f));
	const float spread = finish[TINT] * (2.0f * t.hash - 1.0f) + finish[STRIPE] * parity;
	t.gain = (1.0f - finish[DARK] * t.joint) * (1.0f + t.sharp * spread);
}

// Colour, tilt and roughness of the dry finish.
LIMN_DEVICE void finish_dry(Painted &t, const Pixel &at, const float *finish, uint salt) {
	const float3 coarse = sloped_noise(t.u * finish[LOW], t.v * finish[LOW], salt + 3u);
	const float3 grain = sloped_noise(t.u * finish[FINE_U] + 7.7f * t.hash, t.v * finish[FINE_V], salt + 4u);
	const float fade_low = clip(1.5f - 2.0f * at.foot * finish[LOW], 0.0f, 1.0f);
	const float finest = finish[FINE_U] > finish[FINE_V] ? finish[FINE_U] : finish[FINE_V];
	const float fade = clip(1.5f - 2.0f * at.foot * finest, 0.0f, 1.0f);
	const float fine = grain.x * fade;
	t.low = coarse.x * fade_low;
	const float start = 1.0f - 2.0f * finish[PATCH_SHARE];
	const float patch = step(start, start + 0.25f, t.low + 0.35f * fine) * finish[PATCH];
	const float gain = t.gain * (1.0f + finish[LOW_AMOUNT] * t.low) * (1.0f + finish[FINE_AMOUNT] * fine);
	const float warm = finish[HUE] * (t.sharp * (2.0f * t.hash2 - 1.0f) + 0.5f * t.low);
	const float3 dry(at.albedo.x * gain * (1.0f + warm), at.albedo.y * gain, at.albedo.z * gain * (1.0f - warm));
	const float3 second = three(finish + PATCH_R) * (0.6f + 0.4f * gain);
	t.opened = dry + (second - dry) * patch;
	const float slope = -0.06f * finish[LOW_AMOUNT] * fade_low;
	const float tilt = finish[RELIEF] * fade, jitter = finish[JITTER] * t.sharp;
	t.tilt_u += tilt * grain.y + jitter * (2.0f * t.hash - 1.0f) + slope * coarse.y;
	t.tilt_v += tilt * grain.z + jitter * (2.0f * t.hash2 - 1.0f) + slope * coarse.z;
	float rough = finish[ROUGH] + finish[ROUGH_SPREAD] * (0.6f * t.low + 0.4f * (2.0f * t.hash - 1.0f));
	rough += 0.25f * patch;
	t.rough = finish[METAL] < 0.5f ? 0.5f * rough + 0.5f * at.matte : rough;
	const float metal = finish[METAL] < at.metallic ? finish[METAL] : at.metallic;
	t.metal = metal * (1.0f - patch);
	t.shine = finish[SHINE];
}

// Leaves on trees turn.
LIMN_DEVICE void turn_leaves(Painted &t, const Pixel &at, float autumn) {
	const bool turns = at.label == FOLIAGE_LABEL && at.normal.y < 0.9f;
	const float turn = turns ? autumn * step(-0.75f, 0.1f, t.low + 0.8f * (t.hash - 0.3f)) : 0.0f;
	const float light =
			(0.3f * t.opened.x + 0.6f * t.opened.y + 0.1f * t.opened.z) * (2.1f + 0.5f * t.hash2);
	const float3 turned(1.55f * light, (0.50f + 0.35f * t.hash) * light, 0.10f * light);
	t.opened = t.opened + (turned - t.opened) * turn;
}

// And lie about, under the open sky.
LIMN_DEVICE void strew_leaves(Painted &t, const Pixel &at, float autumn, uint salt) {
	const int i = whole(floor(t.u * 11.0f)), j = whole(floor(t.v * 11.0f));
	const float near = clip(1.5f - 22.0f * at.foot, 0.0f, 1.0f);
	const float share = autumn * step(-0.4f, 0.8f, t.low) * 0.45f + 0.04f * autumn;
	const float cover = (hashed(i, j, salt + 6u) < share ? near : 0.0f) + (1.0f - near) * share;
	const float kind = hashed(i, j, salt + 7u);
	const bool lies = at.normal.y > 0.6f && (at.label != FOLIAGE_LABEL || at.normal.y >= 0.9f);
	const float3 leaf(0.42f + 0.12f * kind, 0.13f + 0.16f * kind, 0.03f);
	t.opened = t.opened + (leaf - t.opened) * (lies ? cover : 0.0f);
}

// Rain, in the open and, for the covered colours, at a quarter of the strength.
LIMN_DEVICE void make_wet(Painted &t, const Pixel &at, float wet) {
	const float rise = at.normal.y, level = t.low + 0.25f * t.joint;
	const float soak = wet * (0.55f + 0.45f * (rise > 0.0f ? rise : 0.0f)) * (1.0f - t.metal);
	const float dull = 0.42f * (t.rough < 0.5f ? 2.0f * t.rough : 1.0f);
	const bool flat = at.label == GROUND_LABEL || at.label == STONE_LABEL;
	const float pool = flat ? step(0.12f, -0.05f, level) * step(0.96f, 0.995f, rise) * wet : 0.0f;
	t.opened = t.opened * ((1.0f - dull * soak) * (1.0f - 0.3f * pool));
	t.covered = t.covered * ((1.0f - dull * 0.25f * soak) * (1.0f - 0.3f * 0.25f * pool));
	const float smooth = t.rough > 0.22f ? 0.8f * soak : 0.0f;
	t.rough += (0.22f - t.rough) * smooth;
	t.rough = t.rough + (0.03f - t.rough) * pool;
	t.shine = t.shine > 0.03f * soak ? t.shine : 0.03f * soak;
	const float keep = 1.0f - 0.94f * pool;
	t.tilt_u *= keep;
	t.tilt_v *= keep;
}

// Snow, in the open.
LIMN_DEVICE void let_snow(Painted &t, const Pixel &at, float snow, uint salt) {
	const float3 drift = sloped_noise(t.u * 0.8f, t.v * 0.8f, salt + 5u);
	const bool falls = at.label != WATER_LABEL && at.label != LIGHT_LABEL;
	const float fade = 0.06f * clip(1.5f - 1.6f * at.foot, 0.0f, 1.0f);
	const float high = at.normal.y + 0.30f * drift.x + 0.18f * t.low + 0.7f * snow - 0.55f;
	const float lies = step(0.25f, 0.62f, high) * (snow < 0.625f ? 1.6f * snow : 1.0f);
	const float cover = falls ? lies : 0.0f;
	t.opened = t.opened + (float3(0.84f, 0.87f, 0.91f) - t.opened) * cover;
	const float bare = 1.0f - 0.85f * cover, tilt = fade * cover;
	t.tilt_u = t.tilt_u * bare - tilt * drift.y;
	t.tilt_v = t.tilt_v * bare - tilt * drift.z;
	t.rough += (0.9f - t.rough) * cover;
	t.metal *= 1.0f - cover;
	t.shine *= 1.0f - cover;
}

LIMN_DEVICE float bounded_albedo(float value, float keep) {
	return clip(value, 0.004f, 0.93f) * keep;
}

LIMN_DEVICE float straight_of(float value, float shine, float metal) {
	return shine + (clip(value * 1.5f, 0.05f, 0.95f) - shine) * metal;
}

// Bounds, and what is left of the colours beside the metal's mirror.
LIMN_DEVICE void coat(Painted &t) {
	t.rough = clip(t.rough, 0.03f, 1.0f);
	const float opened = 1.0f - 0.92f * t.metal, covered = 1.0f - 0.92f * t.metal_covered;
	const float3 o = t.opened, c = t.covered;
	t.straight = float3(
			straight_of(o.x, t.shine, t.metal), straight_of(o.y, t.shine, t.metal), straight_of(o.z, t.shine, t.metal));
	t.opened = float3(bounded_albedo(o.x, opened), bounded_albedo(o.y, opened), bounded_albedo(o.z, opened));
	t.covered = float3(bounded_albedo(c.x, covered), bounded_albedo(c.y, covered), bounded_albedo(c.z, covered));
}

// The tilt along u and v, turned into a normal in the anchor's space.
LIMN_DEVICE void raise_relief(Painted &t, const Pixel &at, const float *finish) {
	const bool turned = finish[TURNED] > 0.0f;
	const float tu = turned ? t.tilt_v : t.tilt_u, tv = turned ? t.tilt_u : t.tilt_v;
	const float3 tilt(t.along_x ? 0.0f : tu, t.along_y ? 0.0f : tv, t.along_x ? tu : (t.along_y ? tv : 0.0f));
	const float3 n = at.anchor_normal;
	const float inward = dot(tilt, n);
	const float3 bent(n.x + tilt.x - inward * n.x, n.y + tilt.y - inward * n.y, n.z + tilt.z - inward * n.z);
	t.relief = bent * (1.0f / root(dot(bent, bent)));
}

LIMN_DEVICE Painted painted(const Limn &given, const Pixel &at) {
	const float *finish = given.finishes + at.label * FINISH_COLUMNS;
	Painted t;
	find_cell(t, at, finish, given.salt);
	finish_dry(t, at, finish, given.salt);
	if (given.autumn > 0.0f) {
		turn_leaves(t, at, given.autumn);
	}
	t.covered = t.opened;
	if (given.autumn > 0.0f) {
		strew_leaves(t, at, given.autumn, given.salt);
	}
	if (given.wetness > 0.0f) {
		make_wet(t, at, given.wetness);
	}
	t.metal_covered = t.metal;
	if (given.snow > 0.0f) {
		let_snow(t, at, given.snow, given.salt);
	}
	coat(t);
	raise_relief(t, at, finish);
	return t;
}

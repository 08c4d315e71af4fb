// Mirrors, the open sky's light, the air and the sky itself: renderer/models/limn/lanes_light.py for one pixel.
#pragma once

#include "limn_surface.hpp"

enum { MAP = 64, SKY_ROWS = 48, SKY_COLUMNS = 96 };  // sides of the mirrored sky's map and of the sky's table

// What a pixel is lit by, and what it mirrors.
struct Lit {
	float3 opened, covered, mirror, mirrored, ambient, glow;
	float sun, clear, forward, rough;
};

// What a sheet towards a direction sends back of harmonics [9, 3], at least 1e-4.
LIMN_DEVICE float3 ambient_at(const float *h, float3 d) {
	float out[3];
	for (int k = 0; k < 3; k++) {
		const float flat = 1.092548f * h[12 + k] * d.x * d.y + 1.092548f * h[15 + k] * d.y * d.z +
				0.315392f * h[18 + k] * (3.0f * d.z * d.z - 1.0f) + 1.092548f * h[21 + k] * d.x * d.z +
				0.546274f * h[24 + k] * (d.x * d.x - d.y * d.y);
		const float value = 0.282095f * h[k] + 0.488603f * h[3 + k] * d.y + 0.488603f * h[6 + k] * d.z +
				0.488603f * h[9 + k] * d.x + flat;
		out[k] = value > 1e-4f ? value : 1e-4f;
	}
	return three(out);
}

// Of a table of colours: between four, `right` and `below` numbers further on.
LIMN_DEVICE float3 mixed(const float *at, uint right, uint below, float along, float down) {
	const float3 a = three(at), b = three(at + right), c = three(at + below), d = three(at + below + right);
	const float3 top = a + (b - a) * along, low = c + (d - c) * along;
	return top + (low - top) * down;
}

// What mirrors show towards a direction: the open sky and the ground, the smoother the rougher they are.
LIMN_DEVICE float3 reflected(const Limn &given, float3 away, float rough) {
	const float up = away.y > 0.0f ? away.y : 0.0f;
	const float u = clip((away.x / (1.0f + up) + 1.0f) * (0.5f * MAP) - 0.5f, 0.0f, MAP - 1.001f);
	const float v = clip((away.z / (1.0f + up) + 1.0f) * (0.5f * MAP) - 0.5f, 0.0f, MAP - 1.001f);
	const float j = floor(u), i = floor(v);
	const uint at = static_cast<uint>(i) * MAP + static_cast<uint>(j);
	const float3 shown = mixed(given.mirrored + at * 3u, 3u, 3u * MAP, u - j, v - i);
	const float below = clip(-8.0f * away.y, 0.0f, 1.0f);
	const float3 sharp = shown * (1.0f - below) + three(given.light.ground) * below;
	return sharp + (ambient_at(given.light.harmonics, away) - sharp) * rough;
}

LIMN_DEVICE float schlick(float straight, float smooth, float edge, float shines) {
	const float grazing = smooth > straight ? smooth : straight;
	return straight + (grazing - straight) * edge * shines;
}

// Of a pixel that is painted, with its relief in the world.
LIMN_DEVICE Lit lit(const Limn &given, const Pixel &at, const Painted &t) {
	const Light &light = given.light;
	const float into = dot(t.relief, at.ray);
	const float away = 1.0f - (-into > 0.02f ? -into : 0.02f);
	const float twice = away * away, edge = twice * twice * away;
	const float3 s = t.straight;
	const float shines = s.x > 0.0f || s.y > 0.0f || s.z > 0.0f ? 1.0f : 0.0f, smooth = 1.0f - t.rough;
	Lit out;
	out.mirror = float3(
			schlick(s.x, smooth, edge, shines), schlick(s.y, smooth, edge, shines), schlick(s.z, smooth, edge, shines));
	const float3 m = out.mirror, rest(1.0f - m.x, 1.0f - m.y, 1.0f - m.z);
	out.opened = t.opened * rest;
	out.covered = t.covered * rest;
	out.mirrored = float3(0.0f, 0.0f, 0.0f);
	if (m.x + m.y + m.z > 0.0f) {
		const float twofold = 2.0f * into;
		out.mirrored = reflected(given, at.ray - t.relief * twofold, t.rough) * m;
	}
	const float3 to_sun = three(light.to_sun);
	const float facing = dot(t.relief, to_sun);
	out.sun = facing > 0.0f ? facing : 0.0f;
	const float forward = clip(dot(at.ray, to_sun), 0.0f, 1.0f), square = forward * forward, fourth = square * square;
	out.forward = fourth * fourth * square;
	out.clear = exp_of(-light.fog_per_m * at.distance_m);
	out.glow = three(light.lamp) * (at.label == LIGHT_LABEL ? 1.0f : 0.0f);
	out.ambient = ambient_at(light.harmonics, t.relief);
	out.rough = t.rough;
	return out;
}

// Where clouds are: share of the sky that they hide, and how bright they are there.
LIMN_DEVICE float2 clouds(const Limn &given, float3 ray) {
	const float cloud = given.light.cloud;
	const float least = 0.62f - 1.15f * (cloud < 0.9f ? cloud : 0.9f), most = cloud < 0.25f ? 4.0f * cloud : 1.0f;
	const float reach = 1.35f / (clip(ray.y, 0.0f, 1.0f) + 0.12f);
	const float u = ray.x * reach, v = ray.z * reach;
	const float sun_u = u + 0.22f * given.light.to_sun[0], sun_v = v + 0.22f * given.light.to_sun[2];
	float density = 0.0f, toward = 0.0f, amount = 0.55f, size = 1.0f;
	for (uint k = 0u; k < 5u; k++) {
		const float n = static_cast<float>(k);
		density += amount * noise(u * size + 3.1f * n, v * size - 1.7f * n, given.cloud_salt + k);
		toward += amount * noise(sun_u * size + 3.1f * n, sun_v * size - 1.7f * n, given.cloud_salt + k);
		amount *= 0.52f;
		size *= 2.07f;
	}
	return float2(
			step(least, least + 0.55f, density) * most * step(0.015f, 0.10f, ray.y),
			clip(1.0f - 0.75f * (toward - density) - 0.22f * density, 0.45f, 1.35f));
}

// The sky's table towards a ray.
LIMN_DEVICE float3 clear_sky(const Limn &given, float3 ray) {
	const float up = clip(ray.y, 0.0f, 1.0f);
	const float rise = angle(up, root(1.0f - up * up));  // in turns, 0..0.25
	const float row = clip(root(rise * 4.0f) * SKY_ROWS - 0.5f, 0.0f, SKY_ROWS - 1.001f);
	const float turn = angle(ray.x, -ray.z);
	float column = (turn >= 0.0f ? turn : turn + 1.0f) * SKY_COLUMNS - 0.5f;
	column = column >= 0.0f ? column : column + SKY_COLUMNS;
	const float i = floor(row), j = floor(column);
	const uint first = static_cast<uint>(j) < SKY_COLUMNS ? static_cast<uint>(j) : SKY_COLUMNS - 1u;
	const uint at = static_cast<uint>(i) * SKY_COLUMNS + first;
	const uint next = first < SKY_COLUMNS - 1u ? 3u : 0u - 3u * (SKY_COLUMNS - 1u);  // the table goes round
	const float *low = given.sky + at * 3u, *high = low + 3u * SKY_COLUMNS;
	const float3 a = three(low), b = three(low + static_cast<int>(next));
	const float3 c = three(high), d = three(high + static_cast<int>(next));
	const float along = column - j;
	const float3 below = a + (b - a) * along, above = c + (d - c) * along;
	return below + (above - below) * (row - i);
}

LIMN_DEVICE float star_at(const Limn &given, float3 ray) {
	if (given.light.night == 0.0f) {
		return 0.0f;
	}
	const float reach = 420.0f / (clip(ray.y, 0.0f, 1.0f) + 0.4f);
	const float h = hashed(whole(floor(ray.x * reach)), whole(floor(ray.z * reach)), given.cloud_salt + 9u);
	const bool shines = h > 0.992f && ray.y > 0.0f;
	return shines ? 0.30f * (h - 0.992f) / 0.008f * (1.0f - given.light.cloud) : 0.0f;
}

// The sky, as heaven.sky_seen: its table, stars, the sun's or moon's disc, clouds and fog.
LIMN_DEVICE float3 sky_at(const Limn &given, float3 ray) {
	const Light &light = given.light;
	const float2 cloud = clouds(given, ray);
	const float star = star_at(given, ray), up = clip(ray.y, 0.0f, 1.0f);
	const float3 sun = three(light.to_sun);
	const float facing = ray.x * sun.x + ray.y * sun.y + ray.z * sun.z;
	const float outer = 0.9998477f, inner = 0.99992955f;  // cosines of 1.25 and 0.85 of SUN_RADIUS_RAD
	const float ring = (ray.y > -0.01f ? step(outer, inner, facing) : 0.0f) * (1.0f - cloud.x);
	float near = facing > 0.0f ? facing : 0.0f;
	near = near * near;
	near = near * near;
	const float rim = (0.16f + 0.10f + 0.55f * near * near) * 0.55f;
	const float far = 40.0f / (up + 0.02f);
	const float clear = exp_of(-light.fog_per_m * (far < 2000.0f ? far : 2000.0f));
	const float dim = clip(1.0f + 6.0f * ray.y, 0.25f, 1.0f);
	const float3 base = clear_sky(given, ray) * dim + float3(star, star, star) + three(light.disc) * ring;
	const float3 white = (three(light.ambient) * 0.95f + three(light.sun) * rim) * cloud.y;
	const float3 value = base + (white - base) * cloud.x;
	return value * clear + three(light.fog) * (1.0f - clear);
}

// A pixel as limn takes it in, and what goes out of it: renderer/models/limn/features.py, lanes.py and fused.py.
#pragma once

#include "limn_light.hpp"

LIMN_DEVICE float mean(float3 color) {
	return (color.x + color.y + color.z) / 3.0f;
}

LIMN_DEVICE float3 saned(float3 v, float low, float high) {
	return float3(sane(v.x, low, high), sane(v.y, low, high), sane(v.z, low, high));
}

// The engine's base colour, or where it gives none a dulled version of its picture.
LIMN_DEVICE float3 albedo_at(const Limn &given, uint x, uint y, float3 color) {
	if (given.albedo.at != nullptr) {
		return saned(color_at(given.albedo, x, y), 0.0f, 1.0f);
	}
	const float3 dull = saned(color, 0.0f, 4.0f);
	const float scale = 0.4f / ((dull.x + dull.y + dull.z) * (1.0f / 3.0f) + 0.1f);
	return saned(dull * scale, 0.02f, 0.9f);
}

// Depth as limn takes it: infinite where there is nothing.
LIMN_DEVICE float depth_at(const Limn &given, uint x, uint y) {
	const float depth_m = engine_depth_at(given, x, y);
	return depth_m > 0.0f && !is_opened(given, x, y) ? depth_m : WP_INFINITY;
}

LIMN_DEVICE float3 turned_into(const float *pose, float3 v) {
	return float3(
			pose[0] * v.x + pose[3] * v.y + pose[6] * v.z, pose[1] * v.x + pose[4] * v.y + pose[7] * v.z,
			pose[2] * v.x + pose[5] * v.y + pose[8] * v.z);
}

LIMN_DEVICE float3 turned_out_of(const float *pose, float3 v) {
	return float3(
			pose[0] * v.x + pose[1] * v.y + pose[2] * v.z, pose[3] * v.x + pose[4] * v.y + pose[5] * v.z,
			pose[6] * v.x + pose[7] * v.y + pose[8] * v.z);
}

// The engine's planes, within their ranges and finite.
LIMN_DEVICE Pixel taken(const Limn &given, uint x, uint y) {
	Pixel at;
	at.color = saned(color_at(given.color, x, y), 0.0f, 50.0f);
	at.albedo = albedo_at(given, x, y, at.color);
	at.normal = saned(color_at(given.normal, x, y), -1.0f, 1.0f);
	at.matte = 0.8f;
	at.metallic = 0.0f;
	if (given.material.at != nullptr) {
		const float2 material = pair_at(given.material.at, given.material.pitch, given.material.floats != 0u, x, y);
		at.matte = sane(material.x, 0.0f, 1.0f);
		at.metallic = sane(material.y, 0.0f, 1.0f);
	}
	at.depth_m = given.depth_m[y * given.width + x];
	at.solid = at.depth_m < WP_INFINITY;
	at.label = label_at(given, x, y);
	if (at.solid && dot(at.normal, at.normal) < 0.01f) {
		at.normal = float3(0.0f, 1.0f, 0.0f);
	}
	return at;
}

// Its ray, its point, its distance and how wide it is on the surface; moving bodies have a space of their own.
LIMN_DEVICE void place(const Limn &given, Pixel &at, uint x, uint y) {
	const float *p = given.pinhole;
	const uint start = x & ~63u;  // as the CPU counts, for the same bits
	const float u = p[12] + static_cast<float>(start) * p[13] + static_cast<float>(x - start) * p[13];
	const float v = p[14] + static_cast<float>(y) * p[15];
	const float3 d(
			p[0] * u + p[1] * v - p[2], p[3] * u + p[4] * v - p[5], p[6] * u + p[7] * v - p[8]);
	const float depth_m = at.solid ? at.depth_m : 0.0f;
	const float3 point = d * depth_m + three(p + 9);
	const float length = root(dot(d, d));
	at.ray = d / length;
	at.distance_m = depth_m * length;
	const float cosine = abs(dot(at.normal, at.ray));
	at.foot = depth_m * p[16] / (cosine > 0.5f ? cosine : 0.5f);
	at.world_y_m = point.y;
	at.anchor_m = point;
	at.anchor_normal = at.normal;
	at.body = at.solid && given.bodies > 0u ? body_of(given, object_at(given, x, y)) : 0u;
	if (at.body > 0u) {
		const float *pose = given.poses + (at.body - 1u) * 12u;
		at.anchor_m = turned_into(pose, point - three(pose + 9));
		at.anchor_normal = turned_into(pose, at.normal);
	}
}

// What `lit` leaves of the sky.
LIMN_DEVICE Lit unlit(const Limn &given, const Pixel &at) {
	const float3 none(0.0f, 0.0f, 0.0f);
	return {none, none, none, none, none, sky_at(given, at.ray), 0.0f, 1.0f, 0.0f, 0.0f};
}

LIMN_DEVICE void put(float *to, float3 v) {
	to[0] = v.x;
	to[1] = v.y;
	to[2] = v.z;
}

// In the order of features.PARTS.
LIMN_DEVICE void put_parts(const Lit &lit, float *to) {
	put(to, lit.opened);
	put(to + 3, lit.covered);
	put(to + 6, lit.mirrored);
	to[9] = lit.sun;
	put(to + 10, lit.ambient);
	put(to + 13, lit.glow);
	to[16] = lit.clear;
	to[17] = lit.forward;
}

// In the order of features.CHANNELS; the shades are there already.
LIMN_DEVICE void put_channels(const Limn &given, const Pixel &at, const Lit &lit, float *to) {
	const float third = 1.0f / 3.0f, solid = at.solid ? 1.0f : 0.0f;
	const float grey = (at.color.x + at.color.y + at.color.z) * third;
	const float albedo = (at.albedo.x + at.albedo.y + at.albedo.z) * third;
	const float shading = clip(grey / (albedo + 0.02f), 0.0f, 8.0f);
	const float facing = dot(at.normal, three(given.light.to_sun)) * solid;
	const float3 o = lit.opened, c = lit.covered, m = lit.mirror;
	to[0] = solid;
	to[1] = log_of(1.0f + (at.depth_m < 200.0f ? at.depth_m : 200.0f)) * 0.3f;
	to[2] = log_of(shading + 0.05f) * 0.5f;
	put(to + 3, at.normal);
	to[6] = facing;
	to[7] = (facing > 0.0f ? facing : 0.0f) * given.told[CONTROLS];
	to[8] = dot(at.normal, at.ray);
	put(to + 9, float3(root(o.x), root(o.y), root(o.z)));
	to[12] = ((o.x + o.y + o.z) - (c.x + c.y + c.z)) * third * 2.0f;
	to[13] = root((m.x + m.y + m.z) * third) * solid;
	to[14] = lit.rough * solid;
	to[15] = lit.clear;
	to[16] = log_of(dot(lit.ambient, float3(0.2126f, 0.7152f, 0.0722f)) + 0.01f) * 0.25f * solid;
	to[17] = log_of(lit.sun * given.light.sun_level + 0.01f) * 0.25f * solid;
	to[18] = clip(at.world_y_m * 0.15f, -1.0f, 2.0f) * solid;
	to[19] = log_of(grey + 0.02f) * 0.25f;
	to[20] = at.label == LIGHT_LABEL ? solid : 0.0f;
	to[21] = at.label == FOLIAGE_LABEL ? solid : 0.0f;
	to[22] = at.label == WATER_LABEL ? solid : 0.0f;
	to[23] = at.ray.y;
}

// The formulas of renderer/models/limn/lanes.py for one pixel. There is no fast-math: equal inputs give equal bits, on
// any GPU and on the CPU.
#pragma once

#include "launch.hpp"

#define WP_INFINITY __builtin_inff()

// Into the kernel, all of it: what a kernel is given is then read from where a launch leaves it, and never copied.
#if defined(__CUDA__)
#define LIMN_DEVICE __attribute__((device)) WP_INLINE
#else
#define LIMN_DEVICE inline
#endif

LIMN_DEVICE float clip(float x, float low, float high) {
	x = x > low ? x : low;
	return x < high ? x : high;
}

// Within low..high; what is no number is 0.
LIMN_DEVICE float sane(float x, float low, float high) {
	return clip(x == x ? x : 0.0f, low, high);
}

LIMN_DEVICE float root(float x) {
	return __builtin_sqrtf(x);
}

LIMN_DEVICE float dot(float3 a, float3 b) {
	return a.x * b.x + a.y * b.y + a.z * b.z;
}

// To the whole number, as x86 does where none fits.
LIMN_DEVICE int whole(float x) {
	return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<int>(x) : -2147483647 - 1;
}

// Natural logarithm of x >= 1e-30, within 2 ulp: Cephes logf (Moshier).
LIMN_DEVICE float log_of(float x) {
	const int bits = static_cast<int>(asuint(x > 1e-30f ? x : 1e-30f));
	const int exponent = (bits >> 23) - 126;
	float m = asfloat(static_cast<uint>((bits & 0x007FFFFF) | 0x3F000000));
	const bool small = m < 0.70710678f;
	const float e = static_cast<float>(small ? exponent - 1 : exponent);
	m = small ? m + m - 1.0f : m - 1.0f;
	const float z = m * m;
	float y = 7.0376836292e-2f;
	y = y * m + -1.1514610310e-1f;
	y = y * m + 1.1676998740e-1f;
	y = y * m + -1.2420140846e-1f;
	y = y * m + 1.4249322787e-1f;
	y = y * m + -1.6668057665e-1f;
	y = y * m + 2.0000714765e-1f;
	y = y * m + -2.4999993993e-1f;
	y = y * m + 3.3333331174e-1f;
	y = y * m * z + -2.12194440e-4f * e - 0.5f * z;
	return m + y + 0.693359375f * e;
}

// Exponential of -87..87, within 2 ulp: Cephes expf (Moshier).
LIMN_DEVICE float exp_of(float x) {
	x = x > -87.0f ? x : -87.0f;
	x = x < 87.0f ? x : 87.0f;
	const float n = floor(x * 1.44269504f + 0.5f);
	const float r = x - n * 0.693359375f - n * -2.12194440e-4f;
	float y = 1.9875691500e-4f;
	y = y * r + 1.3981999507e-3f;
	y = y * r + 8.3334519073e-3f;
	y = y * r + 4.1665795894e-2f;
	y = y * r + 1.6666665459e-1f;
	y = y * r + 5.0000001201e-1f;
	y = y * r * r + r + 1.0f;
	return y * asfloat(static_cast<uint>(static_cast<int>(n) + 127) << 23);
}

// atan2 in turns, -0.5..0.5, within 1e-6: Cephes atanf (Moshier) of the smaller over the larger.
LIMN_DEVICE float angle(float y, float x) {
	const float ax = abs(x), ay = abs(y);
	const float low = ax < ay ? ax : ay, high = ax < ay ? ay : ax;
	const float q = low / (high > 1e-30f ? high : 1e-30f);
	const bool past = q > 0.41421356f;
	const float r = past ? (q - 1.0f) / (q + 1.0f) : q;
	const float z = r * r;
	const float p = ((8.05374449538e-2f * z - 1.38776856032e-1f) * z + 1.99777106478e-1f) * z - 3.33329491539e-1f;
	float a = (p * z * r + r + (past ? 0.78539816f : 0.0f)) * 0.15915494f;
	a = ay > ax ? 0.25f - a : a;
	a = x < 0.0f ? 0.5f - a : a;
	return y < 0.0f ? -a : a;
}

LIMN_DEVICE float step(float low, float high, float x) {
	const float t = clip((x - low) / (high - low), 0.0f, 1.0f);
	return t * t * (3.0f - 2.0f * t);
}

// Of whole cells to 0..1: the finaliser of MurmurHash3 in 32 bits.
LIMN_DEVICE float hashed(int i, int j, uint salt) {
	uint h = static_cast<uint>(i) * 0x27D4EB2Du + static_cast<uint>(j) * 0x165667B1u + salt * 0x0C6EF372u;
	h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
	h = (h ^ (h >> 12)) * 0x297A2D39u;
	return static_cast<float>((h ^ (h >> 15)) & 0xFFFFFFu) * static_cast<float>(1.0 / 0xFFFFFF);
}

// Value noise in -1..1 with a lattice point per unit, and its slopes along u and v.
LIMN_DEVICE float3 sloped_noise(float u, float v, uint salt) {
	const float i = floor(u), j = floor(v);
	const float s = u - i, r = v - j;
	const int m = whole(i), n = whole(j);
	const int next_m = static_cast<int>(static_cast<uint>(m) + 1u), next_n = static_cast<int>(static_cast<uint>(n) + 1u);
	const float p = hashed(m, n, salt), q = hashed(next_m, n, salt);
	const float o = hashed(m, next_n, salt), w = hashed(next_m, next_n, salt);
	const float fs = s * s * (3.0f - 2.0f * s), ft = r * r * (3.0f - 2.0f * r);
	const float ds = 6.0f * s * (1.0f - s), dt = 6.0f * r * (1.0f - r);
	const float top = p + (q - p) * fs, bottom = o + (w - o) * fs;
	return float3(
			(top + (bottom - top) * ft) * 2.0f - 1.0f, 2.0f * ((q - p) * (1.0f - ft) + (w - o) * ft) * ds,
			2.0f * (bottom - top) * dt);
}

LIMN_DEVICE float noise(float u, float v, uint salt) {
	return sloped_noise(u, v, salt).x;
}

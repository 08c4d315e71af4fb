// The plate from parts and the network's answers: renderer/models/limn/finish.py for one pixel.
#pragma once

#include "limn_light.hpp"

// Shares are 1 / (1 + e^-answer), gains e^answer, of an answer that is clamped.
LIMN_DEVICE float share_of(float answer) {
	return 1.0f / (1.0f + exp_of(clip(-1.0f * answer, -80.0f, 80.0f)));
}

LIMN_DEVICE float gain_of(float answer, float most) {
	return exp_of(clip(answer, -most, most));
}

LIMN_DEVICE float3 gains_of(const float *answers, float most) {
	return float3(gain_of(answers[0], most), gain_of(answers[1], most), gain_of(answers[2], most));
}

LIMN_DEVICE void compose(const Limn &given, uint x, uint y) {
	const uint64_t at = static_cast<uint64_t>(y) * given.width + x;
	const float *p = given.parts + at * PARTS;
	const float *said = given.answers + (static_cast<uint64_t>(y) * given.x_columns + x) * ANSWERS;
	float *out = given.hard + at * 4u;
	out[3] = 0.6f * share_of(said[10] - 2.0f);
	if (p[10] == 0.0f) {  // the sky, as it is
		for (int c = 0; c < 3; c++) {
			out[c] = p[13 + c];
		}
		return;
	}
	const float opened = share_of(said[0] + 1.0f);
	const float sunlight = p[9] * 0.31830987f * share_of(said[1]);
	const float air = (1.0f - p[16]) * share_of(said[8] + 3.0f);
	const float3 covered = three(p + 3), sun = three(given.light.sun);
	const float3 albedo = covered + (three(p) - covered) * opened;
	const float3 light = sun * sunlight + three(p + 10) * gains_of(said + 2, 6.0f);
	const float3 seen = albedo * light + three(p + 6) * gains_of(said + 5, 6.0f) + three(p + 13) * gain_of(said[9], 3.0f);
	const float3 plate = seen + (three(given.light.fog) + sun * (0.1f * p[17]) - seen) * air;
	out[0] = plate.x;
	out[1] = plate.y;
	out[2] = plate.z;
}

// Whether two pixels lie on different surfaces.
LIMN_DEVICE bool apart(const Limn &given, uint x, uint y, uint other_x, uint other_y) {
	const float *a = given.x + (static_cast<uint64_t>(y) * given.x_columns + x) * CHANNELS;
	const float *b = given.x + (static_cast<uint64_t>(other_y) * given.x_columns + other_x) * CHANNELS;
	const float turn = max(max(abs(a[3] - b[3]), abs(a[4] - b[4])), abs(a[5] - b[5]));
	return a[0] != b[0] || abs(a[1] - b[1]) > 0.05f * 0.3f || turn > 0.3f;
}

// Edges become as soft as the network says; below full strength the engine's own picture shows.
LIMN_DEVICE void soften(const Limn &given, uint x, uint y) {
	const uint up = y > 0u ? y - 1u : 0u, down = y + 1u < given.height ? y + 1u : y;
	const uint left = x > 0u ? x - 1u : 0u, right = x + 1u < given.width ? x + 1u : x;
	const float *row = given.hard + static_cast<uint64_t>(y) * given.width * 4u, *here = row + x * 4u;
	const float *above = given.hard + (static_cast<uint64_t>(up) * given.width + x) * 4u;
	const float *below = given.hard + (static_cast<uint64_t>(down) * given.width + x) * 4u;
	const bool edge = apart(given, x, y, left, y) || apart(given, x, y, right, y) || apart(given, x, y, x, up) ||
			apart(given, x, y, x, down);
	const float soft = edge ? here[3] : 0.0f;
	const float3 color = color_at(given.color, x, y);
	const float engine[3] = {color.x, color.y, color.z};
	uint64_t pixel = 0x3C00ull << 48;  // alpha 1
	for (uint c = 0u; c < 3u; c++) {
		const float beside = 0.25f * (row[left * 4u + c] + row[right * 4u + c] + above[c] + below[c]);
		const float made = here[c] + soft * (beside - here[c]);
		const float value = clip(made * given.strength + engine[c] * (1.0f - given.strength), 0.0f, 50.0f);
		pixel |= static_cast<uint64_t>(half_of(value)) << (16u * c);
	}
	uint8_t *plate = given.plate.at + static_cast<uint64_t>(y) * given.plate.pitch;
	reinterpret_cast<uint64_t *>(plate)[x] = pixel;
}

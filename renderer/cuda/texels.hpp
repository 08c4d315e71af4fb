// How planes are read and written in memory: rows a pitch apart, in bytes; the first row is the top one.
#pragma once

#include "hlsl.hpp"

#if defined(__CUDA__)
#pragma clang force_cuda_host_device begin
#endif

inline const uint8_t *texel(const uint8_t *plane, uint pitch, uint bytes, int x, int y) {
	return plane + static_cast<uint64_t>(y) * pitch + static_cast<uint64_t>(x) * bytes;
}

inline float float_at(const uint8_t *plane, uint pitch, int x, int y) {
	return *reinterpret_cast<const float *>(texel(plane, pitch, 4u, x, y));
}

inline uint uint_at(const uint8_t *plane, uint pitch, int x, int y) {
	return *reinterpret_cast<const uint *>(texel(plane, pitch, 4u, x, y));
}

inline float half_at(const uint8_t *plane, uint pitch, int x, int y) {
	return whole_of(*reinterpret_cast<const uint16_t *>(texel(plane, pitch, 2u, x, y)));
}

// Of RG32F or RG16F.
inline float2 pair_at(const uint8_t *plane, uint pitch, bool is_float, int x, int y) {
	if (is_float) {
		const float *pair = reinterpret_cast<const float *>(texel(plane, pitch, 8u, x, y));
		return float2(pair[0], pair[1]);
	}
	const uint both = uint_at(plane, pitch, x, y);
	return float2(whole_of(static_cast<uint16_t>(both)), whole_of(static_cast<uint16_t>(both >> 16)));
}

// Of RGBA16F.
inline float4 pixel_at(const uint8_t *plane, uint pitch, int x, int y) {
	const uint64_t all = *reinterpret_cast<const uint64_t *>(texel(plane, pitch, 8u, x, y));
	return float4(whole_of(static_cast<uint16_t>(all)), whole_of(static_cast<uint16_t>(all >> 16)),
				  whole_of(static_cast<uint16_t>(all >> 32)), whole_of(static_cast<uint16_t>(all >> 48)));
}

inline void put_half(uint8_t *plane, uint pitch, int x, int y, float value) {
	*reinterpret_cast<uint16_t *>(const_cast<uint8_t *>(texel(plane, pitch, 2u, x, y))) = half_of(value);
}

inline void put_pixel(uint8_t *plane, uint pitch, int x, int y, float4 value) {
	const uint64_t low = half_of(value.x) | static_cast<uint>(half_of(value.y)) << 16;
	const uint64_t high = half_of(value.z) | static_cast<uint>(half_of(value.w)) << 16;
	*reinterpret_cast<uint64_t *>(const_cast<uint8_t *>(texel(plane, pitch, 8u, x, y))) = low | high << 32;
}

#if defined(__CUDA__)
#pragma clang force_cuda_host_device end
#endif

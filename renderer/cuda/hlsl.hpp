// The part of HLSL that the shader text is written in, as C++ without a library: for clang's CUDA and for any C++17.
#pragma once

#include <stdint.h>

#if defined(__CUDA__)
#define WP_DEVICE __attribute__((device)) inline
#pragma clang force_cuda_host_device begin
#else
#define WP_DEVICE inline
#endif

#define precise
typedef uint32_t uint;

struct int2 {
	int x, y;
	int2(int x_, int y_) : x(x_), y(y_) {}
};

struct uint4 {
	uint x, y, z, w;
};

struct float2 {
	float x, y;
	float2() : x(0), y(0) {}
	float2(float x_, float y_) : x(x_), y(y_) {}
};

struct float3 {
	float x, y, z;
	float3() : x(0), y(0), z(0) {}
	float3(float x_, float y_, float z_) : x(x_), y(y_), z(z_) {}
};

struct float4 {
	float x, y, z, w;
	float4() : x(0), y(0), z(0), w(0) {}
	float4(float x_, float y_, float z_, float w_) : x(x_), y(y_), z(z_), w(w_) {}
	float operator[](int i) const { return i == 0 ? x : (i == 1 ? y : (i == 2 ? z : w)); }
};

struct float4x4 {
	float4 rows[4];
	const float4 &operator[](int row) const { return rows[row]; }
};

#define WP_EACH(op) \
	WP_DEVICE float2 operator op(float2 a, float2 b) { return float2(a.x op b.x, a.y op b.y); } \
	WP_DEVICE float3 operator op(float3 a, float3 b) { return float3(a.x op b.x, a.y op b.y, a.z op b.z); } \
	WP_DEVICE float4 operator op(float4 a, float4 b) { return float4(a.x op b.x, a.y op b.y, a.z op b.z, a.w op b.w); } \
	WP_DEVICE float2 operator op(float2 a, float b) { return a op float2(b, b); } \
	WP_DEVICE float3 operator op(float3 a, float b) { return a op float3(b, b, b); } \
	WP_DEVICE float4 operator op(float4 a, float b) { return a op float4(b, b, b, b); }
WP_EACH(+)
WP_EACH(-)
WP_EACH(*)
WP_EACH(/)
#undef WP_EACH

WP_DEVICE float2 operator-(float2 a) { return float2(-a.x, -a.y); }
WP_DEVICE float4 &operator+=(float4 &a, float4 b) { return a = a + b; }
WP_DEVICE float abs(float a) { return __builtin_fabsf(a); }
WP_DEVICE float floor(float a) { return __builtin_floorf(a); }
WP_DEVICE float pow(float a, float b) { return __builtin_powf(a, b); }
WP_DEVICE float min(float a, float b) { return __builtin_fminf(a, b); }
WP_DEVICE float max(float a, float b) { return __builtin_fmaxf(a, b); }
WP_DEVICE float clamp(float a, float low, float high) { return min(max(a, low), high); }
WP_DEVICE float length(float3 a) { return __builtin_sqrtf(a.x * a.x + a.y * a.y + a.z * a.z); }

WP_DEVICE float4 mul(const float4x4 &m, float4 v) {
	float4 out[1];
	float *to = &out[0].x;
	for (int row = 0; row < 4; row++) {
		to[row] = m[row].x * v.x + m[row].y * v.y + m[row].z * v.z + m[row].w * v.w;
	}
	return out[0];
}

WP_DEVICE uint asuint(float value) {
	uint bits;
	__builtin_memcpy(&bits, &value, sizeof bits);
	return bits;
}

WP_DEVICE float asfloat(uint bits) {
	float value;
	__builtin_memcpy(&value, &bits, sizeof value);
	return value;
}

// To the nearest half float, ties to even; beyond its range it is infinite.
WP_DEVICE uint16_t half_of(float value) {
	uint16_t bits;
#if defined(__CUDA_ARCH__)
	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
	const _Float16 half = static_cast<_Float16>(value);
	__builtin_memcpy(&bits, &half, sizeof bits);
#endif
	return bits;
}

// The float that a half's bits are.
WP_DEVICE float whole_of(uint16_t bits) {
#if defined(__CUDA_ARCH__)
	float value;
	asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
	return value;
#else
	_Float16 half;
	__builtin_memcpy(&half, &bits, sizeof half);
	return static_cast<float>(half);
#endif
}

#if defined(__CUDA__)
#pragma clang force_cuda_host_device end
#endif

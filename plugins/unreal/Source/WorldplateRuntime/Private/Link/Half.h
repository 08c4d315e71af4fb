#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace Worldplate
{
// IEEE 754 binary16.
inline float FromHalf(uint16_t Bits)
{
	const float Sign = (Bits & 0x8000u) != 0 ? -1.0f : 1.0f;
	const int Exponent = (Bits >> 10) & 0x1f;
	const float Fraction = static_cast<float>(Bits & 0x3ffu);
	if (Exponent == 0x1f)
	{
		return Fraction != 0.0f ? std::numeric_limits<float>::quiet_NaN() : Sign * std::numeric_limits<float>::infinity();
	}
	return Exponent == 0 ? Sign * std::ldexp(Fraction, -24) : Sign * std::ldexp(1024.0f + Fraction, Exponent - 25);
}
}  // namespace Worldplate

/* What a type cannot say of a message: finite, in order, invertible, of the length that a count needs; as
   bridge/checks.py has it. */
#pragma once

#include <optional>

#include "messages.g.hpp"

namespace worldplate {

constexpr double kUnitTolerance = 1e-3; /* of a quaternion's length */

/* Neither infinite nor NaN, nor over what the protocol's real numbers may be. */
bool is_finite(double value);

std::optional<Refusal> check_values(const Message& message, const Limits& limits);

std::optional<Refusal> check_camera(const Camera& camera);
std::optional<Refusal> check_bodies(const Bodies& bodies, const Limits& limits);
std::optional<Refusal> check_controls(const Map<ControlValue>& controls, const Limits& limits);

}  // namespace worldplate

// What the client says of itself, as dictionaries of the engine.
#pragma once

#include <vector>

#include "values.hpp"
#include "worldplate.h"

namespace worldplate::godot {

// {"bytes": int, plane name: {"offset": int, "pitch": int, "format": String}}
Dictionary layout_report(const std::vector<wp_plane_place>& places, uint64_t bytes);

// {target, plate: int, disposition: String, strength, age_ms, state_age_ms: float, reason: String}
Dictionary picture_report(const wp_picture& picture);

// The fields of wp_status by name; enums as the protocol's words.
Dictionary status_report(const wp_status& status);

// The fields of wp_control by name: {name, type, text, unit, minimum, maximum, step, default, choices}; `default` is a
// float, an int, a bool or a String as the type says.
Dictionary control_report(const wp_control& control);

// The fields of wp_model_change by name; `progress` is "unasked", "loading", "serves" or "refused".
Dictionary model_change_report(const wp_model_change& change);

}  // namespace worldplate::godot

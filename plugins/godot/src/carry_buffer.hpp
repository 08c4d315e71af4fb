// The storage buffer with which a shader carries a plate into another view (std430, little-endian):
//   0 mat4 source_view_from_target_view   64 mat4 source_projection   128 mat4 target_projection
//   192 vec2 source_jitter_px   200 vec2 target_jitter_px   208 uint body_count   212 3 x uint 0
//   224 per body, ascending id: uint id, uint known, 2 x uint 0, mat4 source_view_from_target_view   (80 bytes)
// Matrices are column-major here, as GLSL stores them.
#pragma once

#include "values.hpp"
#include "worldplate.h"

namespace worldplate::godot {

// Empty when `code` is not WP_OK.
Bytes carry_buffer(wp_client client, uint64_t target_id, uint64_t source_id, wp_code& code);

}  // namespace worldplate::godot

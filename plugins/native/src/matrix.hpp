/* Rigid transforms in float64: row-major 4x4 matrices that act on column vectors. */
#pragma once

#include <array>

#include "worldplate.h"

namespace worldplate {

using Matrix = std::array<double, 16>;

Matrix world_from_local(const wp_pose& pose);
/* Of a rotation and a translation only. */
Matrix rigid_inverse(const Matrix& m);
Matrix operator*(const Matrix& a, const Matrix& b);

}  // namespace worldplate

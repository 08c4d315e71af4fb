#include "matrix.hpp"

#include <cmath>

namespace worldplate {

Matrix world_from_local(const wp_pose& pose) {
    const double* q = pose.orientation;
    const double size = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    const double x = q[0] / size, y = q[1] / size, z = q[2] / size, w = q[3] / size;
    const double* p = pose.position_m;
    return {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),     p[0],
            2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),     p[1],
            2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y), p[2],
            0,                       0,                       0,                       1};
}

Matrix rigid_inverse(const Matrix& m) {
    Matrix out{m[0], m[4], m[8], 0, m[1], m[5], m[9], 0, m[2], m[6], m[10], 0, 0, 0, 0, 1};
    for (size_t row = 0; row < 3; ++row)
        out[4 * row + 3] = -(out[4 * row] * m[3] + out[4 * row + 1] * m[7] + out[4 * row + 2] * m[11]);
    return out;
}

Matrix operator*(const Matrix& a, const Matrix& b) {
    Matrix out{};
    for (size_t row = 0; row < 4; ++row)
        for (size_t column = 0; column < 4; ++column)
            for (size_t k = 0; k < 4; ++k) out[4 * row + column] += a[4 * row + k] * b[4 * k + column];
    return out;
}

}  // namespace worldplate

/* Where planes lie in a buffer: layouts, sizes, and how they are placed. As bridge/planes.py. */
#pragma once

#include <cstdint>
#include <vector>

#include "messages.g.hpp"

namespace worldplate {

constexpr int64_t kAlignmentBytes = 64; /* a cache line: no two planes share one */

int64_t bytes_per_pixel(wp_pixel_format format);
bool is_allowed(wp_plane_name name, wp_pixel_format format);

int64_t aligned(int64_t bytes);

/* From the first row to the end of the last one, its padding included. */
int64_t plane_bytes(const PlaneLayout& layout);

/* A plane with rows without gaps, at offset 0. */
PlaneLayout tight_layout(wp_plane_name name, wp_pixel_format format, int64_t width, int64_t height);

/* The same planes with the same pitches, one after another from `start_bytes` on, each at a multiple of 64 bytes. */
std::vector<PlaneLayout> placed(std::vector<PlaneLayout> layouts, int64_t start_bytes);

/* Bytes that hold all of the planes, a multiple of 64. */
int64_t payload_bytes(const std::vector<PlaneLayout>& layouts);

}  // namespace worldplate

#include "planes.hpp"

#include <algorithm>

namespace worldplate {

int64_t bytes_per_pixel(wp_pixel_format format) {
    switch (format) {
        case WP_PIXEL_FORMAT_RGBA16F: return 8;
        case WP_PIXEL_FORMAT_RGBA32F: return 16;
        case WP_PIXEL_FORMAT_RG16F: return 4;
        case WP_PIXEL_FORMAT_RG32F: return 8;
        case WP_PIXEL_FORMAT_R16F: return 2;
        case WP_PIXEL_FORMAT_R32F: return 4;
        case WP_PIXEL_FORMAT_R32UI: return 4;
        case WP_PIXEL_FORMAT_R8UI: return 1;
    }
    return 0;
}

bool is_allowed(wp_plane_name name, wp_pixel_format format) {
    switch (name) {
        case WP_PLANE_NAME_COLOR:
        case WP_PLANE_NAME_NORMAL:
        case WP_PLANE_NAME_ALBEDO: return format == WP_PIXEL_FORMAT_RGBA16F || format == WP_PIXEL_FORMAT_RGBA32F;
        case WP_PLANE_NAME_MOTION:
        case WP_PLANE_NAME_MATERIAL: return format == WP_PIXEL_FORMAT_RG16F || format == WP_PIXEL_FORMAT_RG32F;
        case WP_PLANE_NAME_DEPTH:
        case WP_PLANE_NAME_PLATE_DEPTH: return format == WP_PIXEL_FORMAT_R32F;
        case WP_PLANE_NAME_OBJECT: return format == WP_PIXEL_FORMAT_R32UI;
        case WP_PLANE_NAME_LABEL: return format == WP_PIXEL_FORMAT_R8UI;
        case WP_PLANE_NAME_PLATE: return format == WP_PIXEL_FORMAT_RGBA16F;
        case WP_PLANE_NAME_CONFIDENCE: return format == WP_PIXEL_FORMAT_R16F;
    }
    return false;
}

int64_t aligned(int64_t bytes) { return (bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes; }

int64_t plane_bytes(const PlaneLayout& layout) { return layout.row_pitch_bytes * layout.height; }

PlaneLayout tight_layout(wp_plane_name name, wp_pixel_format format, int64_t width, int64_t height) {
    PlaneLayout layout;
    layout.name = name;
    layout.format = format;
    layout.width = width;
    layout.height = height;
    layout.row_pitch_bytes = width * bytes_per_pixel(format);
    return layout;
}

std::vector<PlaneLayout> placed(std::vector<PlaneLayout> layouts, int64_t start_bytes) {
    int64_t offset = aligned(start_bytes);
    for (PlaneLayout& layout : layouts) {
        layout.offset_bytes = offset;
        offset = aligned(offset + plane_bytes(layout));
    }
    return layouts;
}

int64_t payload_bytes(const std::vector<PlaneLayout>& layouts) {
    int64_t end = 0;
    for (const PlaneLayout& layout : layouts) end = std::max(end, layout.offset_bytes + plane_bytes(layout));
    return aligned(end);
}

}  // namespace worldplate

#include "carry_buffer.hpp"

#include <cstring>
#include <vector>

namespace worldplate::godot {

namespace {

struct Matrix {
    float columns[4][4];
};

struct Head {
    Matrix source_view_from_target_view, source_projection, target_projection;
    float source_jitter_px[2], target_jitter_px[2];
    uint32_t body_count, zero[3];
};
static_assert(sizeof(Head) == 224, "as std430 lays it out");

struct Body {
    uint32_t id, known, zero[2];
    Matrix source_view_from_target_view;
};
static_assert(sizeof(Body) == 80, "as std430 lays it out");

Matrix column_major(const float (&row_major)[16]) {
    Matrix matrix;
    for (int row = 0; row < 4; ++row)
        for (int column = 0; column < 4; ++column) matrix.columns[column][row] = row_major[4 * row + column];
    return matrix;
}

Head head_of(const wp_reprojection_data& data, uint32_t body_count) {
    Head head{};
    head.source_view_from_target_view = column_major(data.source_view_from_target_view);
    head.source_projection = column_major(data.source_projection);
    head.target_projection = column_major(data.target_projection);
    std::memcpy(head.source_jitter_px, data.source_jitter_px, sizeof head.source_jitter_px);
    std::memcpy(head.target_jitter_px, data.target_jitter_px, sizeof head.target_jitter_px);
    head.body_count = body_count;
    return head;
}

// All bodies of the target. The first guess of their number is enough for most scenes.
wp_code motions_of(wp_client client, uint64_t target, uint64_t source, std::vector<wp_body_motion>& motions) {
    motions.resize(64);
    auto count = static_cast<uint32_t>(motions.size());
    wp_code code = wp_body_motions(client, target, source, motions.data(), &count);
    if (code == WP_BAD_ARGUMENT && count > motions.size()) {
        motions.resize(count);
        code = wp_body_motions(client, target, source, motions.data(), &count);
    }
    motions.resize(code == WP_OK ? count : 0);
    return code;
}

}  // namespace

Bytes carry_buffer(wp_client client, uint64_t target_id, uint64_t source_id, wp_code& code) {
    wp_reprojection_data data;
    code = wp_reprojection(client, target_id, source_id, &data);
    if (code != WP_OK) return Bytes();
    std::vector<wp_body_motion> motions;
    code = motions_of(client, target_id, source_id, motions);
    if (code != WP_OK) return Bytes();
    Bytes buffer(static_cast<int64_t>(sizeof(Head) + sizeof(Body) * motions.size()));
    uint8_t* to = buffer.writable();
    if (to == nullptr) {
        code = WP_NO_MEMORY;
        return buffer;
    }
    const Head head = head_of(data, static_cast<uint32_t>(motions.size()));
    std::memcpy(to, &head, sizeof head);
    to += sizeof head;
    for (const wp_body_motion& motion : motions) {
        const Body body{motion.id, motion.known, {0, 0}, column_major(motion.source_view_from_target_view)};
        std::memcpy(to, &body, sizeof body);
        to += sizeof body;
    }
    return buffer;
}

}  // namespace worldplate::godot

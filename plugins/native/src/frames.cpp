#include "frames.hpp"

#include <algorithm>
#include <cstring>

namespace worldplate {
namespace {

Pose pose_of(const wp_pose& from) {
    Pose pose;
    std::copy_n(from.position_m, 3, pose.position_m.begin());
    std::copy_n(from.orientation, 4, pose.orientation.begin());
    return pose;
}

template <typename T>
void append(Blob& blob, const T* values, size_t count) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(values);
    blob.bytes.insert(blob.bytes.end(), bytes, bytes + count * sizeof(T));
}

Bodies bodies_of(const FrameState& state) {
    Bodies bodies;
    bodies.count = static_cast<int64_t>(state.bodies.size());
    for (const wp_body& body : state.bodies) {
        append(bodies.ids, &body.id, 1);
        append(bodies.labels, &body.label, 1);
        append(bodies.poses, body.world_from_body.position_m, 3);
        append(bodies.poses, body.world_from_body.orientation, 4);
        append(bodies.previous_poses, body.previous_world_from_body.position_m, 3);
        append(bodies.previous_poses, body.previous_world_from_body.orientation, 4);
        append(bodies.velocities, body.velocity_m_s, 3);
        append(bodies.velocities, body.angular_velocity_rad_s, 3);
    }
    bodies.contact_count = static_cast<int64_t>(state.contacts.size());
    for (const wp_contact& contact : state.contacts) {
        append(bodies.contact_ids, contact.ids, 2);
        append(bodies.contact_points, contact.point_m, 3);
        append(bodies.contact_points, &contact.normal_force_n, 1);
    }
    return bodies;
}

Timecode timecode_of(const wp_timecode& from) {
    return {from.hours, from.minutes, from.seconds, from.frames, from.drop_frame != 0, from.rate_numerator,
            from.rate_denominator};
}

}  // namespace

Camera camera_of(const wp_camera& from) {
    Camera camera;
    camera.world_from_camera = pose_of(from.world_from_camera);
    camera.previous_world_from_camera = pose_of(from.previous_world_from_camera);
    std::copy_n(from.projection, 16, camera.projection.begin());
    std::copy_n(from.jitter_px, 2, camera.jitter_px.begin());
    camera.near_m = from.near_m;
    camera.far_m = from.far_m;
    camera.lens = {from.focal_length_mm, from.sensor_width_mm, from.f_number, from.focus_distance_m};
    return camera;
}

Frame message_of(const FrameState& state, const std::string& session, uint64_t deadline_ns) {
    Frame frame;
    frame.session = session;
    frame.id = static_cast<int64_t>(state.id);
    frame.generation = state.buffers->generation();
    frame.slot = state.slot;
    frame.planes = state.buffers->part_layouts();
    frame.capture_ns = static_cast<int64_t>(state.capture_ns);
    frame.deadline_ns = static_cast<int64_t>(deadline_ns);
    if (state.has_timecode) frame.timecode = timecode_of(state.timecode);
    frame.camera = camera_of(state.camera);
    frame.bodies = bodies_of(state);
    frame.seed = static_cast<int64_t>(state.seed);
    frame.reset = state.reset;
    return frame;
}

}  // namespace worldplate

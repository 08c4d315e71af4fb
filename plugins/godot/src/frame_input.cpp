#include "frame_input.hpp"

#include <algorithm>
#include <limits>

namespace worldplate::godot {

namespace {

constexpr int64_t kCameraNumbers = 36;
constexpr int64_t kPoseNumbers = 7;
constexpr int64_t kVelocityNumbers = 6;
constexpr int64_t kContactNumbers = 4;

std::string wrong_size(const char* name, int64_t size, int64_t wanted) {
    if (size == wanted) return "";
    return std::string(name) + " has " + std::to_string(size) + " numbers; it must have " + std::to_string(wanted);
}

// 7 numbers.
wp_pose pose_at(const double* numbers) {
    wp_pose pose;
    std::copy_n(numbers, 3, pose.position_m);
    std::copy_n(numbers + 3, 4, pose.orientation);
    return pose;
}

// 36 numbers: pose 7, previous pose 7, projection 16 (clip_from_view, row-major, OpenGL style, no jitter), jitter in
// pixels 2, near, far (metres), focal length, sensor width (mm).
wp_camera camera_at(const double* numbers) {
    wp_camera camera{};
    camera.world_from_camera = pose_at(numbers);
    camera.previous_world_from_camera = pose_at(numbers + 7);
    std::copy_n(numbers + 14, 16, camera.projection);
    std::copy_n(numbers + 30, 2, camera.jitter_px);
    camera.near_m = numbers[32];
    camera.far_m = numbers[33];
    camera.focal_length_mm = numbers[34];
    camera.sensor_width_mm = numbers[35];
    return camera;
}

bool is_id(int64_t id) { return id >= 0 && id <= std::numeric_limits<uint32_t>::max(); }

std::string wrong_id(const char* name, int64_t index, int64_t id) {
    return std::string(name) + "[" + std::to_string(index) + "] is " + std::to_string(id) + "; it must be 0.." +
           std::to_string(std::numeric_limits<uint32_t>::max());
}

}  // namespace

std::string FrameInput::read_bodies(const FrameArrays& arrays) {
    const int64_t count = arrays.ids.size();
    for (const std::string& wrong : {wrong_size("labels", arrays.labels.size(), count),
             wrong_size("poses", arrays.poses.size(), kPoseNumbers * count),
             wrong_size("previous_poses", arrays.previous_poses.size(), kPoseNumbers * count),
             wrong_size("velocities", arrays.velocities.size(), kVelocityNumbers * count)})
        if (!wrong.empty()) return wrong;
    if (count > WP_LIMIT_MAX_OBJECTS)
        return std::to_string(count) + " bodies; at most " + std::to_string(WP_LIMIT_MAX_OBJECTS);
    const int64_t* ids = arrays.ids.data();
    const uint8_t* labels = arrays.labels.data();
    const double* poses = arrays.poses.data();
    const double* previous = arrays.previous_poses.data();
    const float* velocities = arrays.velocities.data();
    bodies_.resize(static_cast<std::size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        if (!is_id(ids[i])) return wrong_id("ids", i, ids[i]);
        wp_body& body = bodies_[static_cast<std::size_t>(i)];
        body.id = static_cast<uint32_t>(ids[i]);
        body.label = labels[i];
        body.world_from_body = pose_at(poses + kPoseNumbers * i);
        body.previous_world_from_body = pose_at(previous + kPoseNumbers * i);
        std::copy_n(velocities + kVelocityNumbers * i, 3, body.velocity_m_s);
        std::copy_n(velocities + kVelocityNumbers * i + 3, 3, body.angular_velocity_rad_s);
    }
    return "";
}

std::string FrameInput::read_contacts(const FrameArrays& arrays) {
    const int64_t count = arrays.contact_points.size() / kContactNumbers;
    for (const std::string& wrong :
        {wrong_size("contact_points", arrays.contact_points.size(), kContactNumbers * (arrays.contact_ids.size() / 2)),
            wrong_size("contact_ids", arrays.contact_ids.size(), 2 * count)})
        if (!wrong.empty()) return wrong;
    if (count > WP_LIMIT_MAX_OBJECTS)
        return std::to_string(count) + " contacts; at most " + std::to_string(WP_LIMIT_MAX_OBJECTS);
    const int64_t* ids = arrays.contact_ids.data();
    const float* points = arrays.contact_points.data();
    contacts_.resize(static_cast<std::size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        wp_contact& contact = contacts_[static_cast<std::size_t>(i)];
        for (int64_t side = 0; side < 2; ++side) {
            if (!is_id(ids[2 * i + side])) return wrong_id("contact_ids", 2 * i + side, ids[2 * i + side]);
            contact.ids[side] = static_cast<uint32_t>(ids[2 * i + side]);
        }
        std::copy_n(points + kContactNumbers * i, 3, contact.point_m);
        contact.normal_force_n = points[kContactNumbers * i + 3];
    }
    return "";
}

std::string FrameInput::read(const FrameArrays& arrays) {
    if (std::string wrong = wrong_size("camera", arrays.camera.size(), kCameraNumbers); !wrong.empty()) return wrong;
    if (arrays.reset < 0 || arrays.reset >= WP_RESET_COUNT)
        return "reset is " + std::to_string(arrays.reset) + "; it must be 0 (none), 1 (cut), 2 (teleport) or 3 (new)";
    if (arrays.capture_ns < 0)
        return "capture_ns is " + std::to_string(arrays.capture_ns) + "; it must be 0 (now) or a time of now_ns()";
    if (std::string wrong = read_bodies(arrays); !wrong.empty()) return wrong;
    if (std::string wrong = read_contacts(arrays); !wrong.empty()) return wrong;
    frame_.capture_ns = static_cast<uint64_t>(arrays.capture_ns);
    frame_.camera = camera_at(arrays.camera.data());
    frame_.bodies = bodies_.data();
    frame_.body_count = static_cast<uint32_t>(bodies_.size());
    frame_.contacts = contacts_.data();
    frame_.contact_count = static_cast<uint32_t>(contacts_.size());
    frame_.reset = static_cast<wp_reset>(arrays.reset);
    return "";
}

}  // namespace worldplate::godot

#include "scene.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace worldplate::gpu {
namespace {

constexpr double kPi = 3.14159265358979323846;

template <typename Numbers>
Vec4 four(const Numbers& from, size_t start, size_t count, float last) {
    Vec4 out = {0.0F, 0.0F, 0.0F, last};
    for (size_t at = 0; at < count; ++at) out[at] = static_cast<float>(from[start + at]);
    return out;
}

Pose pose_of(const std::array<double, 7>& from) {
    return {{from[0], from[1], from[2]}, {from[3], from[4], from[5], from[6]}};
}

}  // namespace

Scene::Scene(const std::string& file) {
    std::ifstream stream(file);
    if (!stream) throw std::runtime_error(file + " cannot be read");
    const nlohmann::json all = nlohmann::json::parse(stream);
    cameras_ = all.at("camera").get<std::vector<Pose7>>();
    near_m_ = all.at("near_m").get<double>();
    far_m_ = all.at("far_m").get<double>();
    tangent_ = std::tan(all.at("vertical_fov_deg").get<double>() * kPi / 360.0);
    const nlohmann::json& things = all.at("things");
    box_count_ = static_cast<uint32_t>(things.size());
    for (size_t step = 0; step < cameras_.size(); ++step) {
        for (const nlohmann::json& thing : things) {
            const auto at = thing.at("position_m").get<std::vector<double>>();
            Pose7 now = {at[0], at[1], at[2], 0.0, 0.0, 0.0, 1.0};
            Pose7 before = now;
            if (thing.at("moves").get<bool>()) {
                const auto poses = all.at("bodies").at(thing.at("name").get<std::string>()).get<std::vector<Pose7>>();
                now = poses[step];
                before = poses[(step + poses.size() - 1) % poses.size()];
            }
            const float unlit = thing.at("unlit").get<bool>() ? 1.0F : 0.0F;
            boxes_.push_back({four(thing.at("size_m").get<std::vector<double>>(), 0, 3, 0.0F), four(now, 0, 3, 0.0F),
                              four(now, 3, 4, 1.0F), four(before, 0, 3, 0.0F), four(before, 3, 4, 1.0F),
                              four(thing.at("albedo").get<std::vector<double>>(), 0, 3, unlit)});
        }
    }
}

View Scene::view(uint32_t step, uint32_t width, uint32_t height) const {
    const auto aspect = static_cast<float>(width) / static_cast<float>(height);
    const auto tangent = static_cast<float>(tangent_);
    const uint32_t first = step % steps() * box_count_;
    return {four(pose(step), 0, 3, 0.0F), four(pose(step), 3, 4, 1.0F), four(pose_before(step), 0, 3, 0.0F),
            four(pose_before(step), 3, 4, 1.0F), {width, height, box_count_, first},
            {tangent * aspect, tangent, 0.0F, 0.0F}};
}

Camera Scene::camera(uint32_t step, uint32_t width, uint32_t height) const {
    const double aspect = static_cast<double>(width) / height;
    Camera camera;
    camera.world_from_camera = pose_of(pose(step));
    camera.previous_world_from_camera = pose_of(pose_before(step));
    const double depth = near_m_ - far_m_;
    camera.projection = {1.0 / (tangent_ * aspect), 0.0, 0.0, 0.0, 0.0, 1.0 / tangent_, 0.0, 0.0,
                         0.0, 0.0, (far_m_ + near_m_) / depth, 2.0 * far_m_ * near_m_ / depth, 0.0, 0.0, -1.0, 0.0};
    camera.near_m = near_m_;
    camera.far_m = far_m_;
    return camera;
}

}  // namespace worldplate::gpu

/* The known scene (renderer/conformance/scene.json), as the shader takes it and as FRAME tells it. */
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "messages.g.hpp"

namespace worldplate::gpu {

using Vec4 = std::array<float, 4>;

/* As in shaders/scene.comp. */
struct Box {
    Vec4 size_m, now, turn, before, turn_before, albedo;
};

struct View {
    Vec4 eye, eye_turn, eye_before, eye_turn_before;
    std::array<uint32_t, 4> size;
    Vec4 tangent;
};

class Scene {
public:
    /* Throws what nlohmann's reader throws, and std::runtime_error without the file. */
    explicit Scene(const std::string& file);

    uint32_t steps() const { return static_cast<uint32_t>(cameras_.size()); }
    uint32_t box_count() const { return box_count_; }
    /* Every step's boxes, one step after another. */
    const std::vector<Box>& boxes() const { return boxes_; }
    View view(uint32_t step, uint32_t width, uint32_t height) const;
    Camera camera(uint32_t step, uint32_t width, uint32_t height) const;

private:
    using Pose7 = std::array<double, 7>; /* position, quaternion x,y,z,w */
    const Pose7& pose(uint32_t step) const { return cameras_[step % cameras_.size()]; }
    const Pose7& pose_before(uint32_t step) const { return cameras_[(step + cameras_.size() - 1) % cameras_.size()]; }

    std::vector<Pose7> cameras_;
    std::vector<Box> boxes_;
    uint32_t box_count_ = 0;
    double tangent_ = 1.0, near_m_ = 0.1, far_m_ = 100.0;
};

}  // namespace worldplate::gpu

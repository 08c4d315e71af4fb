// A frame's engine state, from the packed arrays of `WorldplateLink.begin_frame` to a wp_frame.
#pragma once

#include <string>
#include <vector>

#include "values.hpp"
#include "worldplate.h"

namespace worldplate::godot {

// Borrowed from the engine for one call. n bodies, m contacts.
struct FrameArrays {
    const Doubles& camera;          // 36: see read_camera
    const Ints& ids;                // n
    const Bytes& labels;            // n
    const Doubles& poses;           // 7n: position x,y,z (metres), orientation x,y,z,w, world_from_body
    const Doubles& previous_poses;  // 7n
    const Floats& velocities;       // 6n: linear (m/s), angular (rad/s), world space
    const Ints& contact_ids;        // 2m
    const Floats& contact_points;   // 4m: point x,y,z (metres, world space), normal force (newtons)
    int64_t reset;                  // a wp_reset
    int64_t capture_ns;             // 0: now
};

class FrameInput {
public:
    // Empty, or what is wrong with the arrays: which, its value and its limit. What the numbers must be beyond fitting
    // their types is checked by wp_begin_frame.
    std::string read(const FrameArrays& arrays);

    // Its pointers are good while this object is.
    const wp_frame& frame() const { return frame_; }

private:
    std::string read_bodies(const FrameArrays& arrays);
    std::string read_contacts(const FrameArrays& arrays);

    wp_frame frame_{};
    std::vector<wp_body> bodies_;
    std::vector<wp_contact> contacts_;
};

}  // namespace worldplate::godot

// WorldplateFollower: keeps instances of the rendering server where nodes are, and sees when nodes show another thing.
// Looking at thousands of nodes in every frame is what a script is too slow for; nodes do not tell others when they
// change. For the main thread alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "values.hpp"

namespace worldplate::godot {

class Follower {
public:
    static constexpr const char* class_name = "WorldplateFollower";
    static constexpr const char* parent_name = "RefCounted";
    static void bind();

    class Call {
    public:
        explicit Call(Follower&) {}
    };

    // `node`: instance id of a GeometryInstance3D. `instance`: id of an instance's RID, which stays the caller's.
    void add(int64_t node, int64_t instance);
    void remove(int64_t node);
    void clear() { pairs_.clear(); }
    // Puts those whose node has moved since the last call, or has not been looked at before. Returns the nodes whose
    // geometry, layers, transparency or kind of shadow is another than at the last call. Nodes are to be in the tree.
    // `interpolated`: as drawn between two ticks of the physics.
    Ints move(bool interpolated);

private:
    using Pose = std::array<double, 12>;  // A Transform3D: 12 floats, or doubles in an engine with double precision.
    struct Pair {
        uint64_t node, instance;
        Pose pose;
        std::array<uint64_t, 4> look;  // Base, layers, shadow, transparency, as the engine gives them.
        bool is_known, is_moving;
    };

    struct EngineMethods;
    static void put(const EngineMethods& methods, uint64_t instance, const Pose& pose);
    static void rest(const EngineMethods& methods, void* node, const Pose& pose);
    static bool has_another_look(const EngineMethods& methods, void* node, Pair& pair);

    std::vector<Pair> pairs_;
};

}  // namespace worldplate::godot

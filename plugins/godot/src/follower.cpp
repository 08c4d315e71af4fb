#include "follower.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "binding.hpp"

namespace worldplate::godot {

// Hashes of the methods' signatures, in extension_api.json of Godot 4.4 to 4.6.
struct Follower::EngineMethods {
    GDExtensionMethodBindPtr pose = find("Node3D", "get_global_transform", 3229777777);
    GDExtensionMethodBindPtr interpolated_pose = find("Node3D", "get_global_transform_interpolated", 4183770049);
    std::array<GDExtensionMethodBindPtr, 4> look = {
        find("VisualInstance3D", "get_base", 2944877500), find("VisualInstance3D", "get_layer_mask", 3905245786),
        find("GeometryInstance3D", "get_cast_shadows_setting", 3383019359),
        find("GeometryInstance3D", "get_transparency", 1740695150)};
    GDExtensionMethodBindPtr set_pose = find("RenderingServer", "instance_set_transform", 3935195649);
    GDExtensionMethodBindPtr instance_of = find("VisualInstance3D", "get_instance", 2944877500);
    GDExtensionObjectPtr server = engine.global_get_singleton(Name("RenderingServer").pointer());

    static GDExtensionMethodBindPtr find(const char* class_name, const char* method, GDExtensionInt hash) {
        return engine.classdb_get_method_bind(Name(class_name).pointer(), Name(method).pointer(), hash);
    }
    bool whole() const {
        return pose != nullptr && interpolated_pose != nullptr && set_pose != nullptr && instance_of != nullptr &&
               server != nullptr &&
               std::find(look.begin(), look.end(), nullptr) == look.end();
    }
};

void Follower::put(const EngineMethods& methods, uint64_t instance, const Pose& pose) {
    const GDExtensionConstTypePtr arguments[] = {&instance, pose.data()};
    engine.object_method_bind_ptrcall(methods.set_pose, methods.server, arguments, nullptr);
}

// Where a node stands still, the engine draws it with the motion of the frame before once more: it takes a transform for
// the previous one only when it is given the next. So it is given the same one again, which it takes for another one after
// one that differs in the last bit.
void Follower::rest(const EngineMethods& methods, void* node, const Pose& pose) {
    uint64_t instance = 0;
    engine.object_method_bind_ptrcall(methods.instance_of, node, nullptr, &instance);
    Pose almost = pose;
    *reinterpret_cast<unsigned char*>(almost.data()) ^= 1;
    put(methods, instance, almost);
    put(methods, instance, pose);
}

bool Follower::has_another_look(const EngineMethods& methods, void* node, Pair& pair) {
    std::array<uint64_t, 4> now{};
    for (std::size_t i = 0; i < now.size(); ++i)
        engine.object_method_bind_ptrcall(methods.look[i], node, nullptr, &now[i]);
    const bool is_another = pair.is_known && now != pair.look;
    pair.look = now;
    pair.is_known = true;
    return is_another;
}

void Follower::add(int64_t node, int64_t instance) {
    Pose never;
    never.fill(std::numeric_limits<double>::quiet_NaN());
    pairs_.push_back({static_cast<uint64_t>(node), static_cast<uint64_t>(instance), never, {}, false, false});
}

void Follower::remove(int64_t node) {
    const auto is_it = [node](const Pair& pair) { return pair.node == static_cast<uint64_t>(node); };
    pairs_.erase(std::remove_if(pairs_.begin(), pairs_.end(), is_it), pairs_.end());
}

Ints Follower::move(bool interpolated) {
    const EngineMethods methods;
    if (!methods.whole()) throw std::runtime_error("this Godot's nodes have other methods; use Godot 4.4 or newer");
    const GDExtensionMethodBindPtr get = interpolated ? methods.interpolated_pose : methods.pose;
    std::vector<int64_t> changed;
    for (Pair& pair : pairs_) {
        const GDExtensionObjectPtr node = engine.object_get_instance_from_id(pair.node);
        if (node == nullptr) continue;
        if (has_another_look(methods, node, pair)) changed.push_back(static_cast<int64_t>(pair.node));
        Pose now{};
        engine.object_method_bind_ptrcall(get, node, nullptr, now.data());
        const bool is_moving = !std::equal(now.begin(), now.end(), pair.pose.begin());
        if (pair.is_moving && !is_moving) rest(methods, node, now);
        pair.is_moving = is_moving;
        if (!is_moving) continue;
        pair.pose = now;
        put(methods, pair.instance, now);
    }
    Ints told(static_cast<int64_t>(changed.size()));
    std::copy(changed.begin(), changed.end(), told.writable());
    return told;
}

void Follower::bind() {
    Binding<Follower>()
        .method<&Follower::add>("add", "node", "instance")
        .method<&Follower::remove>("remove", "node")
        .method<&Follower::clear>("clear")
        .method<&Follower::move>("move", "interpolated");
}

}  // namespace worldplate::godot

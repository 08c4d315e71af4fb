// WorldplateLink: the native client as an object of the engine. Any thread may call it, as with the client itself.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "call_clock.hpp"
#include "values.hpp"
#include "worldplate.h"

namespace worldplate::godot {

class Link {
public:
    static constexpr const char* class_name = "WorldplateLink";
    static constexpr const char* parent_name = "RefCounted";
    static void bind();

    // Lives during each call from the engine.
    class Call {
    public:
        explicit Call(Link& link) : link_(link) {}
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        ~Call() { link_.clock_.add(CallClock::Clock::now() - start_); }

    private:
        Link& link_;
        CallClock::Clock::time_point start_ = CallClock::Clock::now();
    };

    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() { close(); }

    // Texts that are returned are "" or what is wrong; bools and ids are false and 0 then, and last_error() says why.
    Text open(const Dictionary& settings);
    void close();
    Text resize(int64_t width, int64_t height);
    int64_t now_ns();
    Text version();
    int64_t begin_frame(const Doubles& camera, const Ints& ids, const Bytes& labels, const Doubles& poses,
        const Doubles& previous_poses, const Floats& velocities, const Ints& contact_ids, const Floats& contact_points,
        int64_t reset, int64_t capture_ns);
    bool wants_pixels();
    Dictionary layout();
    // Keeps a reference to the array until the client's worker has copied what the model wants.
    bool submit(int64_t id, const Bytes& pixels);
    // The only method that waits.
    bool wait(int64_t id, double timeout_ms);
    Dictionary present();
    Bytes plate_pixels();
    Bytes reprojection(int64_t target, int64_t source);
    Dictionary status();
    Dictionaries controls();
    Text set_control(const Text& name, const Variant& value);
    Text set_engine_objects(const Ints& ids);
    Text set_engine_labels(const Bytes& labels);
    Text set_plate_range(double near_m, double far_m);
    Text reset_world();
    Texts models();
    Text use_model(const Text& name);
    Dictionary model_change();
    Text next_log();
    Text last_error();
    Floats call_times_us();

private:
    wp_client client() const { return {client_.load()}; }
    // Keeps the text of an error; "" when there is none.
    std::string kept(wp_code code);
    std::string keep(std::string error);
    bool copy_plate();
    bool take_spare(uint64_t id);
    static void on_plate(void* link, uint64_t id, const void* pixels, uint32_t width, uint32_t height, uint32_t pitch);

    std::atomic<uint32_t> client_{0};
    std::atomic<uint32_t> plane_count_{0};
    CallClock clock_;
    std::mutex error_mutex_;
    std::string last_error_;
    std::mutex picture_mutex_;  // Of the two below: the plate's memory is the client's until the next present.
    wp_picture picture_{};
    Bytes plate_;  // The last plate that was given out: written again where nobody else holds it any more.

    // Plates as they come, copied by the client's worker so that no thread of the engine has to.
    struct Spare {
        uint64_t id = 0;
        Bytes pixels;
    };
    std::mutex spares_mutex_;
    std::array<Spare, 3> spares_;  // The newest, that on the screen, and one that is written.
};

}  // namespace worldplate::godot

/* The last frames of a client: what they showed, where their pixels are, and what became of them. */
#pragma once

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "buffers.hpp"
#include "worldplate.h"

namespace worldplate {

/* Pixels of somebody else, until the worker has copied them: `release` is called exactly once, when this ends. */
class Pixels {
public:
    Pixels() = default;
    Pixels(const void* data, wp_release release, void* user)
        : data_(static_cast<const uint8_t*>(data)), release_(release), user_(user) {}
    Pixels(Pixels&& other) noexcept { *this = std::move(other); }
    Pixels& operator=(Pixels&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(release_, other.release_);
        std::swap(user_, other.user_);
        return *this;
    }
    ~Pixels() {
        if (release_ != nullptr) release_(user_);
    }
    const uint8_t* data() const { return data_; }

private:
    const uint8_t* data_ = nullptr;
    wp_release release_ = nullptr;
    void* user_ = nullptr;
};

enum class Progress {
    begun,     /* no pixels yet */
    written,   /* in a slot, or about to be copied there; not sent */
    sent,      /* the renderer has it */
    plated,    /* its plate is in the slot */
    answered,  /* no plate will come; `lost` says why */
};

struct FrameState {
    uint64_t id = 0;
    uint64_t epoch = 0; /* counts resets: nothing of one epoch is shown in another */
    uint64_t capture_ns = 0, submitted_ns = 0;
    wp_camera camera{};
    std::vector<wp_body> bodies; /* by ascending id */
    std::vector<wp_contact> contacts;
    wp_reset reset = WP_RESET_NONE;
    uint64_t seed = 0;
    bool has_timecode = false;
    wp_timecode timecode{};

    Progress progress = Progress::begun;
    std::string lost;
    std::shared_ptr<Buffers> buffers; /* of its slot, which it keeps from `written` on until it is released */
    int64_t slot = -1;
    bool copying = false;  /* the worker writes into the slot: only it may free it */
    bool resolved = false; /* it has its disposition */

    bool unanswered() const { return progress == Progress::written || progress == Progress::sent; }
};

Camera camera_of(const wp_camera& from);

/* The frame message of a state. */
Frame message_of(const FrameState& state, const std::string& session, uint64_t deadline_ns);

}  // namespace worldplate

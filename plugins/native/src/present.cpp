/* What is shown at a tick: the table of worldplate.h. */
#include <algorithm>
#include <cstring>

#include "client.hpp"
#include "utf8.hpp"

namespace worldplate {

void Client::present(wp_picture& picture) {
    const std::lock_guard<std::mutex> guard(lock_);
    std::memset(&picture, 0, sizeof picture);
    held_ = 0;
    held_buffers_.reset();
    if (FrameState* target = due()) {
        if (!show_whole(*target, picture)) show_late(*target, picture);
    }
    if (picture.target_id == 0)
        ++status_.repeated;
    else {
        last_shown_ = picture.target_id;
        drop_before(picture.target_id);
    }
    tidy();
}

/* The frame whose turn it is; nullptr when it was shown already. */
FrameState* Client::due() {
    const size_t age = sync_ == WP_SYNC_MODE_DELAYED ? delay_frames_ : 0;
    if (frames_.size() <= age) return nullptr;
    FrameState& frame = frames_[frames_.size() - 1 - age];
    return frame.id > last_shown_ && !frame.resolved ? &frame : nullptr;
}

/* The newest frame since the last reset whose plate is there. */
FrameState* Client::newest_plate(uint64_t epoch) {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
        if (frame->epoch == epoch && frame->progress == Progress::plated && frame->slot >= 0) return &*frame;
    return nullptr;
}

/* A frame with its own plate. */
bool Client::show_whole(FrameState& source, wp_picture& picture) {
    if (source.progress != Progress::plated || !put_plate(source, picture)) return false;
    picture.target_id = source.id;
    picture.disposition = WP_DISPOSITION_GENERATED;
    picture.strength = 1.0F;
    put_ages(source, &source, picture);
    resolve(source, WP_DISPOSITION_GENERATED);
    return true;
}

void Client::show_late(FrameState& target, wp_picture& picture) {
    const std::string why = !target.lost.empty()               ? target.lost
                            : target.progress == Progress::begun ? "the frame was not sent"
                                                                 : "the plate is not there yet";
    FrameState* source = newest_plate(target.epoch);
    if (source == nullptr) return pass_through(target, why + "; no plate since the last reset", picture);
    const uint64_t behind = target.id > source->id ? target.id - source->id : 0;
    if (late_ == WP_LATE_POLICY_HOLD || late_ == WP_LATE_POLICY_PASSTHROUGH) {
        if (late_ == WP_LATE_POLICY_PASSTHROUGH && behind > WP_PATIENCE_FRAMES) return pass_through(target, why, picture);
        if (source->id > last_shown_) static_cast<void>(show_whole(*source, picture));
        if (picture.target_id == 0 && source->id == last_shown_) { /* the picture stays, and so does its plate */
            held_ = source->id;
            held_buffers_ = source->buffers;
        }
        return;
    }
    const bool fades = late_ == WP_LATE_POLICY_FADE && behind > WP_PATIENCE_FRAMES;
    const float strength = fades ? 1.0F - static_cast<float>(behind - WP_PATIENCE_FRAMES) / WP_FADE_FRAMES : 1.0F;
    if (strength <= 0.0F) return pass_through(target, why + "; faded out", picture);
    if (!put_plate(*source, picture)) return pass_through(target, why + "; the plate was overwritten", picture);
    picture.target_id = target.id;
    picture.disposition = WP_DISPOSITION_REPROJECTED;
    picture.strength = strength;
    put(picture.reason, why);
    put_ages(target, source, picture);
    resolve(target, WP_DISPOSITION_REPROJECTED);
}

void Client::pass_through(FrameState& target, const std::string& why, wp_picture& picture) {
    picture.target_id = target.id;
    picture.disposition = WP_DISPOSITION_PASSTHROUGH;
    put(picture.reason, why);
    put_ages(target, nullptr, picture);
    resolve(target, WP_DISPOSITION_PASSTHROUGH);
}

bool Client::put_plate(FrameState& source, wp_picture& picture) {
    const uint8_t* plate = source.buffers->plate(source.slot, static_cast<int64_t>(source.id));
    if (plate == nullptr) return false;
    const PlaneLayout& layout = source.buffers->plate_layout();
    picture.plate_id = held_ = source.id;
    picture.plate = plate;
    picture.width = static_cast<uint32_t>(layout.width);
    picture.height = static_cast<uint32_t>(layout.height);
    picture.row_pitch_bytes = static_cast<uint32_t>(layout.row_pitch_bytes);
    held_buffers_ = source.buffers;
    return true;
}

void Client::put_ages(const FrameState& target, const FrameState* source, wp_picture& picture) {
    const uint64_t now = now_ns();
    const auto age_ms = [now](uint64_t then_ns) { return static_cast<double>(now - std::min(now, then_ns)) / 1e6; };
    picture.state_age_ms = age_ms(target.capture_ns);
    picture.age_ms = source != nullptr ? std::max(picture.state_age_ms, age_ms(source->capture_ns)) : picture.state_age_ms;
    if (source == nullptr) return;
    ages_.push_back({now, picture.age_ms});
    if (ages_.size() > 256) ages_.pop_front();
}

bool Client::plate_whole() {
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* source = held_ != 0 ? find(held_) : nullptr;
    if (source == nullptr || source->slot < 0) return false;
    if (source->buffers->plate_whole(source->slot, static_cast<int64_t>(source->id))) return true;
    FrameState* target = find(last_shown_); /* what is on the screen turned out to be something else */
    if (target != nullptr && source->progress == Progress::plated) {
        const wp_disposition was = target == source ? WP_DISPOSITION_GENERATED : WP_DISPOSITION_REPROJECTED;
        --status_.dispositions[was];
        ++status_.dispositions[WP_DISPOSITION_PASSTHROUGH];
        source->progress = Progress::answered;
    }
    return false;
}

}  // namespace worldplate

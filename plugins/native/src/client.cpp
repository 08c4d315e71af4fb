/* What the engine's threads call. */
#include "client.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "matrix.hpp"
#include "system.hpp"

namespace worldplate {
namespace {

void to_floats(const Matrix& from, float* to) {
    std::transform(from.begin(), from.end(), to, [](double value) { return static_cast<float>(value); });
}

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0.0;
    const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
    return values[at];
}

Outcome unknown_frame(uint64_t id) {
    return {WP_NO_FRAME, "Frame " + std::to_string(id) + " is not remembered: the last " +
                             std::to_string(WP_HISTORY_FRAMES) + " are."};
}

}  // namespace

uint64_t now_ns() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

Client::Client(const wp_client_desc& desc)
    : sync_(desc.sync), late_(desc.late), delay_frames_(desc.delay_frames),
      slot_count_(std::max(desc.slot_count, desc.sync == WP_SYNC_MODE_DELAYED ? desc.delay_frames + 3 : 0)),
      frames_in_flight_(desc.frames_in_flight), frame_period_ms_(desc.frame_period_ms), name_(desc.name),
      engine_(desc.engine),
      connection_file_(desc.connection_file != nullptr ? desc.connection_file : default_connection_file()),
      seed_(desc.seed), inline_only_(desc.inline_only != 0), plate_arrived_(desc.plate_arrived),
      plate_user_(desc.plate_user), planes_(desc.planes, desc.planes + desc.plane_count), width_(desc.width),
      height_(desc.height) {
    steering_.session = std::string(32, '0');
    worker_ = std::thread([this] { run(); });
}

Client::~Client() { close(); }

void Client::close() {
    {
        const std::lock_guard<std::mutex> guard(lock_);
        if (closing_) return;
        closing_ = true;
        drop_all("the client was closed");
        wake();
        answered_.notify_all();
    }
    worker_.join();
    const std::lock_guard<std::mutex> guard(lock_);
    frames_.clear(); /* the last rings with them: nothing of a closed client stays mapped */
    held_buffers_.reset();
    link_.end();
}

void Client::wake() { link_.wake(); }

FrameState* Client::find(uint64_t id) {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
        if (frame->id == id) return &*frame;
    return nullptr;
}

void Client::resolve(FrameState& frame, wp_disposition disposition) {
    if (frame.resolved) return;
    frame.resolved = true;
    ++status_.dispositions[disposition];
}

void Client::drop_before(uint64_t id) {
    for (FrameState& frame : frames_)
        if (frame.id < id) resolve(frame, WP_DISPOSITION_DROPPED);
}

void Client::drop_all(const char* why) {
    for (FrameState& frame : frames_) {
        resolve(frame, WP_DISPOSITION_DROPPED);
        if (frame.unanswered()) frame.lost = why;
    }
}

void Client::free_slot(FrameState& frame) {
    if (frame.slot >= 0 && frame.buffers != nullptr) frame.buffers->release(frame.slot);
    frame.slot = -1;
    frame.buffers.reset();
}

/* Frees the slots that nobody writes or reads any more: not that of the newest plate, which may be carried on, nor that
   of the picture on the screen. */
void Client::tidy() {
    const FrameState* newest = newest_plate(epoch_);
    for (FrameState& frame : frames_) {
        const bool done = frame.resolved && (frame.progress == Progress::plated || frame.progress == Progress::answered);
        if (done && frame.slot >= 0 && &frame != newest && frame.id != held_) free_slot(frame);
    }
}

Outcome Client::resize(uint32_t width, uint32_t height) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (width == width_ && height == height_) return {};
    width_ = width;
    height_ = height;
    drop_all("the picture was resized");
    pending_reset_ = WP_RESET_CUT;
    resized_ = true;
    wake();
    return {};
}

Outcome Client::begin_frame(const wp_frame& frame, uint64_t& id) {
    FrameState state;
    state.capture_ns = frame.capture_ns != 0 ? frame.capture_ns : now_ns();
    state.camera = frame.camera;
    state.bodies.assign(frame.bodies, frame.bodies + frame.body_count);
    std::sort(state.bodies.begin(), state.bodies.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    const auto twice = std::adjacent_find(state.bodies.begin(), state.bodies.end(),
                                          [](const auto& a, const auto& b) { return a.id == b.id; });
    if (twice != state.bodies.end())
        return {WP_BAD_ARGUMENT, "bodies has the id " + std::to_string(twice->id) + " twice: give each an id of its own."};
    state.contacts.assign(frame.contacts, frame.contacts + frame.contact_count);
    state.seed = frame.seed;
    state.has_timecode = frame.timecode != nullptr;
    if (state.has_timecode) state.timecode = *frame.timecode;
    const std::lock_guard<std::mutex> guard(lock_);
    for (FrameState& before : frames_)
        if (before.progress == Progress::begun) free_slot(before); /* of wp_slot, and never submitted */
    const wp_reset reset = frame.reset != WP_RESET_NONE ? frame.reset : pending_reset_;
    if (reset != WP_RESET_NONE) {
        ++epoch_;
        epoch_reset_ = reset;
    }
    pending_reset_ = WP_RESET_NONE;
    state.reset = reset;
    state.epoch = epoch_;
    state.id = id = ++last_id_;
    ++status_.begun;
    frames_.push_back(std::move(state));
    if (frames_.size() > WP_HISTORY_FRAMES) {
        resolve(frames_.front(), WP_DISPOSITION_DROPPED);
        if (!frames_.front().copying) free_slot(frames_.front());
        frames_.pop_front();
    }
    return {};
}

bool Client::wants_pixels() {
    const std::lock_guard<std::mutex> guard(lock_);
    const auto waiting = std::count_if(frames_.begin(), frames_.end(), [](const auto& f) { return f.unanswered(); });
    return state_ == WP_LINK_ATTACHED && waiting < static_cast<std::ptrdiff_t>(frames_in_flight_);
}

void Client::layout(wp_plane_place* places, uint64_t& bytes) {
    const std::lock_guard<std::mutex> guard(lock_);
    int64_t offset = 0;
    for (const wp_plane& plane : planes_) {
        const PlaneLayout tight = tight_layout(plane.name, plane.format, width_, height_);
        *places++ = {plane.name, plane.format, static_cast<uint32_t>(tight.row_pitch_bytes),
                     static_cast<uint64_t>(offset)};
        offset = aligned(offset + plane_bytes(tight));
    }
    bytes = static_cast<uint64_t>(offset);
}

Outcome Client::submit(uint64_t id, Pixels pixels, uint64_t bytes) {
    const Outcome outcome = take_over(id, pixels, bytes);
    if (outcome.ok()) return outcome;
    const std::lock_guard<std::mutex> guard(lock_);
    if (!ended_) {
        refused_pixels_.push_back(std::move(pixels));
        wake();
    }
    return outcome;
}

Outcome Client::take_over(uint64_t id, Pixels& pixels, uint64_t bytes) {
    if (pixels.data() == nullptr) return {WP_BAD_ARGUMENT, "pixels is NULL."};
    wp_plane_place places[WP_RING_MAX_PLANES];
    uint64_t expected = 0;
    layout(places, expected);
    if (bytes != expected)
        return {WP_BAD_ARGUMENT, "The pixels have " + std::to_string(bytes) + " bytes, and wp_layout says " +
                                     std::to_string(expected) + "."};
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* frame = find(id);
    if (frame == nullptr || frame->progress != Progress::begun) return unknown_frame(id);
    if (buffers_ == nullptr || resized_) return {WP_NO_RENDERER, wp_code_text(WP_NO_RENDERER)};
    const auto slot = buffers_->begin(static_cast<int64_t>(id));
    if (!slot) return {WP_NO_SLOT, wp_code_text(WP_NO_SLOT)};
    frame->buffers = buffers_;
    frame->slot = *slot;
    frame->progress = Progress::written;
    frame->submitted_ns = now_ns();
    ++status_.submitted;
    submissions_.push_back({id, std::move(pixels), {places, places + planes_.size()}});
    wake();
    return {};
}

Outcome Client::slot(uint64_t id, void** planes) {
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* frame = find(id);
    if (frame == nullptr || frame->progress != Progress::begun || frame->slot >= 0) return unknown_frame(id);
    if (buffers_ == nullptr || resized_) return {WP_NO_RENDERER, wp_code_text(WP_NO_RENDERER)};
    const auto slot = buffers_->begin(static_cast<int64_t>(id));
    if (!slot) return {WP_NO_SLOT, wp_code_text(WP_NO_SLOT)};
    frame->buffers = buffers_; /* keeps the memory, should the renderer be gone meanwhile */
    frame->slot = *slot;
    std::fill_n(planes, planes_.size(), nullptr);
    for (size_t input = 0; input < wanted_.size(); ++input) planes[wanted_[input]] = buffers_->input(*slot, input);
    return {};
}

Outcome Client::submit_slot(uint64_t id) {
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* frame = find(id);
    if (frame == nullptr || frame->slot < 0 || frame->progress != Progress::begun) return unknown_frame(id);
    frame->progress = Progress::written;
    frame->submitted_ns = now_ns();
    frame->buffers->commit(frame->slot);
    ++status_.submitted;
    if (frame->buffers != buffers_) {
        frame->progress = Progress::answered;
        frame->lost = "the renderer is gone";
        return {WP_NO_RENDERER, wp_code_text(WP_NO_RENDERER)};
    }
    written_.push_back(id);
    wake();
    return {};
}

Outcome Client::wait(uint64_t id, double timeout_ms) {
    std::unique_lock<std::mutex> guard(lock_);
    if (find(id) == nullptr) return unknown_frame(id);
    const auto over = [this, id] {
        const FrameState* frame = find(id);
        return closing_ || frame == nullptr || !frame->unanswered();
    };
    const bool in_time = answered_.wait_for(guard, std::chrono::duration<double, std::milli>(timeout_ms), over);
    if (closing_) return {WP_NO_CLIENT, "The client was closed while frame " + std::to_string(id) + " was waited for."};
    const FrameState* frame = find(id);
    if (frame != nullptr && frame->progress == Progress::plated) return {};
    if (!in_time) return {WP_TIMEOUT, wp_code_text(WP_TIMEOUT)};
    return {WP_NO_RENDERER, frame != nullptr && !frame->lost.empty() ? frame->lost : wp_code_text(WP_NO_RENDERER)};
}

Outcome Client::reprojection(uint64_t target_id, uint64_t source_id, wp_reprojection_data& data) {
    const std::lock_guard<std::mutex> guard(lock_);
    const FrameState *target = find(target_id), *source = find(source_id);
    if (target == nullptr || source == nullptr) return unknown_frame(target == nullptr ? target_id : source_id);
    const Matrix source_view = rigid_inverse(world_from_local(source->camera.world_from_camera));
    to_floats(source_view * world_from_local(target->camera.world_from_camera), data.source_view_from_target_view);
    for (size_t at = 0; at < 16; ++at) {
        data.source_projection[at] = static_cast<float>(source->camera.projection[at]);
        data.target_projection[at] = static_cast<float>(target->camera.projection[at]);
    }
    for (size_t at = 0; at < 2; ++at) {
        data.source_jitter_px[at] = static_cast<float>(source->camera.jitter_px[at]);
        data.target_jitter_px[at] = static_cast<float>(target->camera.jitter_px[at]);
    }
    return {};
}

Outcome Client::body_motions(uint64_t target_id, uint64_t source_id, wp_body_motion* motions, uint32_t& count) {
    const std::lock_guard<std::mutex> guard(lock_);
    const FrameState *target = find(target_id), *source = find(source_id);
    if (target == nullptr || source == nullptr) return unknown_frame(target == nullptr ? target_id : source_id);
    const uint32_t room = count;
    count = static_cast<uint32_t>(target->bodies.size());
    if (count > room)
        return {WP_BAD_ARGUMENT, "There is room for " + std::to_string(room) + " of " + std::to_string(count) + " bodies."};
    const Matrix source_view = rigid_inverse(world_from_local(source->camera.world_from_camera));
    const Matrix target_world = world_from_local(target->camera.world_from_camera);
    for (const wp_body& body : target->bodies) {
        const auto before = std::lower_bound(source->bodies.begin(), source->bodies.end(), body.id,
                                             [](const wp_body& each, uint32_t id) { return each.id < id; });
        wp_body_motion motion{};
        motion.id = body.id;
        motion.known = before != source->bodies.end() && before->id == body.id;
        if (motion.known != 0)
            to_floats(source_view * world_from_local(before->world_from_body) *
                          rigid_inverse(world_from_local(body.world_from_body)) * target_world,
                      motion.source_view_from_target_view);
        *motions++ = motion;
    }
    return {};
}

void Client::status(wp_status& out) {
    const std::lock_guard<std::mutex> guard(lock_);
    const uint64_t now = now_ns();
    while (!plates_.empty() && now - plates_.front().at_ns > 1'000'000'000) plates_.pop_front();
    std::vector<double> ages;
    for (const Timed& age : ages_) ages.push_back(age.value);
    out = status_;
    out.state = state_;
    out.plates_per_s = static_cast<double>(plates_.size());
    out.age_p50_ms = percentile(ages, 0.50);
    out.age_p95_ms = percentile(ages, 0.95);
    out.age_p99_ms = percentile(ages, 0.99);
}

bool Client::next_log(std::string& line, int& level) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (log_.empty()) return false;
    std::tie(level, line) = log_.front();
    log_.pop_front();
    return true;
}

}  // namespace worldplate

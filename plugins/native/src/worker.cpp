/* The worker: it takes in what the renderer sends, copies pixels into slots and sends frames. */
#include <algorithm>
#include <cstring>
#include <exception>

#include "client.hpp"
#include "system.hpp"
#include "utf8.hpp"
#include "wire.hpp"

namespace worldplate {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kAfterFaultMs = 1000; /* until a client that had no memory looks for a renderer again */
constexpr size_t kMostLogLines = 256;

}  // namespace

void Client::run() {
    give_way();
    while (!is_closing()) {
        try {
            step();
        } catch (const std::exception& error) {
            recover(error.what());
        }
    }
    end();
}

bool Client::is_closing() {
    const std::lock_guard<std::mutex> guard(lock_);
    return closing_;
}

/* A step ended in the middle, as there was no memory for it: the session is over, and the engine goes on without
   plates until there is another. */
void Client::recover(const char* what) noexcept {
    try {
        const std::string text = std::string("the client could not go on: ") + what;
        leave(text);
        const std::lock_guard<std::mutex> guard(lock_);
        put_error(WP_ERROR_ERROR, text, "Free memory.");
    } catch (const std::exception&) { /* not even for the words */
        link_.close(0);
        forget_session({});
        set_state(WP_LINK_SEARCHING);
        const std::lock_guard<std::mutex> guard(lock_);
        model_lost({});
    }
    look_at_ns_ = now_ns() + kAfterFaultMs * kMs;
}

/* The last that the worker does: from here on it releases no pixels. */
void Client::end() {
    try {
        if (!session_.empty()) send(Bye{session_, "the engine closed"});
        link_.close(WP_CLOSE_MS / 2);
        forget_session("the client was closed");
    } catch (const std::exception&) { /* no memory: the renderer sees that the engine is gone */
        link_.close(0);
        forget_session({});
    }
    std::deque<Submission> left;
    std::vector<Pixels> refused;
    const std::lock_guard<std::mutex> guard(lock_);
    left.swap(submissions_); /* released, as `refused`, after the lock is, and before wp_close returns */
    refused.swap(refused_pixels_);
    ended_ = true;
}

void Client::step() {
    if (!link_.is_open()) look();
    link_.wait(patience_ms());
    std::vector<uint8_t> header;
    std::vector<Part> parts;
    while (link_.receive(header, parts)) {
        auto decoded = decode(header.data(), header.size(), limits_);
        if (const auto* refusal = std::get_if<Refusal>(&decoded))
            log(1, std::string("A message of the renderer was not taken: ") + refusal->text);
        else
            take(std::get<Message>(decoded), parts);
    }
    if (link_.is_open() && link_.lost()) leave("the connection to the renderer was lost");
    check_answer();
    greet();
    tell();
    ask_for_model();
    copy_and_send();
    check_beat();
}

void Client::copy_and_send() {
    while (true) {
        std::vector<Pixels> refused; /* released here, without the lock */
        Submission submission;
        std::shared_ptr<Buffers> buffers;
        int64_t slot = -1;
        {
            const std::lock_guard<std::mutex> guard(lock_);
            refused.swap(refused_pixels_);
            if (!written_.empty()) {
                submission.id = written_.front();
                written_.pop_front();
            } else if (!submissions_.empty()) {
                submission = std::move(submissions_.front());
                submissions_.pop_front();
                FrameState* frame = find(submission.id);
                if (frame == nullptr || frame->buffers == nullptr || frame->buffers != buffers_) continue;
                buffers = frame->buffers;
                slot = frame->slot;
                frame->copying = true;
            } else {
                return;
            }
        }
        const bool is_there = buffers == nullptr || copy(submission, *buffers, slot);
        submission.pixels = Pixels();
        if (is_there) send_frame(submission.id);
    }
}

/* The one copy between host buffers of the engine's side. False: the frame has left the history meanwhile. */
bool Client::copy(Submission& submission, Buffers& buffers, int64_t slot) {
    uint64_t copied = 0;
    for (size_t input = 0; input < wanted_.size(); ++input) {
        const auto size = static_cast<size_t>(plane_bytes(offered_planes_[input]));
        const uint8_t* from = submission.pixels.data() + submission.places[wanted_[input]].offset_bytes;
        std::memcpy(buffers.input(slot, input), from, size);
        copied += size;
    }
    const std::lock_guard<std::mutex> guard(lock_);
    buffers.commit(slot);
    status_.host_bytes_copied = copied;
    FrameState* frame = find(submission.id);
    if (frame == nullptr) return !buffers.release(slot);
    frame->copying = false;
    return true;
}

void Client::send_frame(uint64_t id) {
    std::optional<Message> message;
    std::vector<Part> parts;
    {
        const std::lock_guard<std::mutex> guard(lock_);
        FrameState* frame = find(id);
        if (frame == nullptr || frame->progress != Progress::written || buffers_ == nullptr || frame->buffers != buffers_)
            return;
        Frame made = message_of(*frame, session_, deadline_ns(*frame));
        /* The frame that was the cut may never have been sent: the first that is sent after it is the renderer's cut. */
        if (frame->epoch == epoch_ && told_epoch_ < epoch_ && frame->reset == WP_RESET_NONE) made.reset = epoch_reset_;
        message = std::move(made);
        parts = frame->buffers->parts(frame->slot);
    }
    const bool sent = send(*message, parts);
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* frame = find(id);
    if (frame == nullptr) return;
    frame->progress = sent ? Progress::sent : Progress::answered;
    if (!sent) frame->lost = "the link's queue was full";
    answered_.notify_all();
}

uint64_t Client::deadline_ns(const FrameState& frame) const {
    const uint32_t frames = sync_ == WP_SYNC_MODE_LOCKSTEP ? 1 : sync_ == WP_SYNC_MODE_DELAYED ? delay_frames_ + 1 : 0;
    return frames == 0 ? 0 : frame.submitted_ns + static_cast<uint64_t>(frames * frame_period_ms_ * 1e6);
}

void Client::take(const Message& message, const std::vector<Part>& parts) {
    if (const auto* result = std::get_if<Result>(&message)) return take(*result, parts);
    if (const auto* error = std::get_if<Error>(&message)) return take(*error);
    if (const auto* welcome = std::get_if<Welcome>(&message)) return take(*welcome);
    if (const auto* ack = std::get_if<PlanesAck>(&message)) return take(*ack);
    if (const auto* reject = std::get_if<Reject>(&message)) return refuse(reject->code, reject->text, reject->fix);
    if (const auto* bye = std::get_if<Bye>(&message)) {
        look_at_ns_ = now_ns() + 250 * kMs; /* it is on its way out */
        return leave(bye->reason.empty() ? "the renderer said goodbye" : bye->reason);
    }
    if (const auto* ping = std::get_if<Ping>(&message)) {
        if (!ping->answer) send(Ping{ping->nonce, true});
        return;
    }
    if (const auto* status = std::get_if<Status>(&message)) {
        const std::lock_guard<std::mutex> guard(lock_);
        if (status->nonce != 0) return model_answered(status->nonce, nullptr);
        status_.renderer_state = status->state;
        put(status_.renderer_text, status->text);
    }
}

/* The plate of a RESULT, without the lock: a copy out of the message, and the engine's own, take their time. False when
   there is none; then, or when the frame has left the history meanwhile, nothing is kept. */
bool Client::receive_plate(const Result& result, const std::vector<Part>& parts) {
    const auto id = static_cast<uint64_t>(result.id);
    std::shared_ptr<Buffers> buffers;
    int64_t slot = -1;
    {
        const std::lock_guard<std::mutex> guard(lock_);
        FrameState* frame = find(id);
        if (frame == nullptr || frame->progress != Progress::sent || frame->buffers != buffers_) return false;
        buffers = frame->buffers;
        slot = frame->slot;
        frame->copying = true;
    }
    const auto copied = buffers->accept(slot, result.id, result.outputs, parts);
    const uint8_t* plate = copied ? buffers->plate(slot, result.id) : nullptr;
    const PlaneLayout& layout = buffers->plate_layout();
    if (plate != nullptr && plate_arrived_ != nullptr)
        plate_arrived_(plate_user_, id, plate, static_cast<uint32_t>(layout.width), static_cast<uint32_t>(layout.height),
                       static_cast<uint32_t>(layout.row_pitch_bytes));
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* frame = find(id);
    if (frame == nullptr) return !buffers->release(slot);
    frame->copying = false;
    status_.host_bytes_copied += copied.value_or(0);
    return plate != nullptr && buffers->plate_whole(slot, result.id);
}

void Client::take(const Result& result, const std::vector<Part>& parts) {
    if (result.session != session_) return;
    const bool plated = result.disposition == WP_DISPOSITION_GENERATED && receive_plate(result, parts);
    const std::lock_guard<std::mutex> guard(lock_);
    FrameState* frame = find(static_cast<uint64_t>(result.id));
    if (frame == nullptr || frame->progress != Progress::sent || frame->buffers != buffers_) return;
    ++status_.answered;
    if (result.disposition != WP_DISPOSITION_DROPPED) told_epoch_ = std::max(told_epoch_, frame->epoch);
    frame->progress = plated ? Progress::plated : Progress::answered;
    if (!plated)
        frame->lost = !result.reason.empty()                           ? result.reason
                      : result.disposition == WP_DISPOSITION_GENERATED ? "the plate was overwritten"
                                                                       : "the renderer made no plate of it";
    const uint64_t now = now_ns();
    if (plated) {
        plates_.push_back({now, 0.0});
        status_.round_trip_ms = static_cast<double>(now - frame->submitted_ns) / 1e6;
        status_.renderer_bytes_copied = static_cast<uint64_t>(result.host_bytes_copied);
        status_.stage_count = static_cast<uint32_t>(std::min<size_t>(result.stages_ms.size(), WP_MAX_STAGES));
        for (uint32_t stage = 0; stage < status_.stage_count; ++stage) {
            put(status_.stages[stage].name, result.stages_ms[stage].first);
            status_.stages[stage].ms = result.stages_ms[stage].second;
        }
    }
    if (state_ == WP_LINK_STALLED) state_ = WP_LINK_ATTACHED;
    tidy();
    answered_.notify_all();
}

void Client::take(const Error& error) {
    const bool is_open = state_ == WP_LINK_ATTACHED || state_ == WP_LINK_STALLED;
    const bool is_of_before = error.frame_id != 0 || error.nonce != 0; /* of the session before a resize, it may be */
    if (error.fatal || (!is_open && !is_of_before))
        return refuse(error.code, error.text, error.fix);
    const std::lock_guard<std::mutex> guard(lock_);
    if (error.nonce != 0) return model_answered(error.nonce, &error);
    put_error(error.code, error.text, error.fix);
    FrameState* frame = error.frame_id > 0 ? find(static_cast<uint64_t>(error.frame_id)) : nullptr;
    if (frame == nullptr || frame->progress != Progress::sent) return;
    frame->progress = Progress::answered;
    frame->lost = error.code + ": " + error.text;
    tidy();
    answered_.notify_all();
}

/* A render loop that has not moved for `stall_ms` while a frame waited as long. */
void Client::check_beat() {
    const std::lock_guard<std::mutex> guard(lock_);
    if (buffers_ == nullptr || state_ != WP_LINK_ATTACHED) return;
    const uint64_t now = now_ns(), limit = static_cast<uint64_t>(stall_ms_) * kMs;
    const auto waits = [now, limit](const FrameState& frame) {
        return frame.progress == Progress::sent && now - frame.submitted_ns > limit;
    };
    if (now - std::min(now, buffers_->beat_ns()) > limit && std::any_of(frames_.begin(), frames_.end(), waits))
        state_ = WP_LINK_STALLED;
}

void Client::log(int level, std::string line) {
    const std::lock_guard<std::mutex> guard(lock_);
    note(level, std::move(line));
}

void Client::note(int level, std::string line) {
    if (log_.size() < kMostLogLines) log_.emplace_back(level, std::move(line));
}

bool Client::send(const Message& message, const std::vector<Part>& parts) { return link_.send(encode(message), parts); }

}  // namespace worldplate

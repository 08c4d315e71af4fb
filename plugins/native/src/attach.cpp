/* From no renderer to an open session with buffers, and back when it dies; on the worker's thread. As
   bridge/attachment.py. */
#include <algorithm>

#include "client.hpp"
#include "inline_buffers.hpp"
#include "system.hpp"
#include "utf8.hpp"

namespace worldplate {
namespace {

constexpr long kLookFastMs = 10, kLookSlowMs = 200; /* for a renderer: it backs off while there is none */
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kAnswerMs = 3000;                       /* for a connection, WELCOME or PLANES_ACK to come */
constexpr uint64_t kSilenceFirstMs = 250, kSilenceMostMs = 2000; /* until one that did not answer is asked again */

PlaneLayout tight(PlaneLayout layout) {
    layout.row_pitch_bytes = layout.width * bytes_per_pixel(layout.format);
    return layout;
}

}  // namespace

long Client::patience_ms() const {
    if (link_.is_open()) return state_ == WP_LINK_CONNECTING ? 10 : 50;
    const uint64_t now = now_ns();
    return look_at_ns_ > now ? static_cast<long>((look_at_ns_ - now) / kMs) + 1 : 0;
}

/* What is asked in this state must be answered in time. */
void Client::enter(wp_link_state state) noexcept {
    state_ = state;
    const bool asks = state == WP_LINK_CONNECTING || state == WP_LINK_GREETING || state == WP_LINK_OPENING;
    answer_by_ns_ = asks ? now_ns() + kAnswerMs * kMs : 0;
}

void Client::set_state(wp_link_state state) noexcept {
    const std::lock_guard<std::mutex> guard(lock_);
    enter(state);
}

void Client::put_error(const std::string& code, const std::string& text, const std::string& fix) {
    put(status_.error_code, code);
    put(status_.error_text, text);
    put(status_.error_fix, fix);
}

/* A renderer that lives and does not answer is left, and asked again after a while that grows. */
void Client::check_answer() {
    if (answer_by_ns_ == 0 || now_ns() < answer_by_ns_) return;
    const char* fault = state_ == WP_LINK_CONNECTING ? " takes no connection"
                        : state_ == WP_LINK_GREETING ? " does not answer HELLO"
                                                     : " does not answer PLANES";
    const std::string text = "The renderer in process " + std::to_string(connection_->pid) + fault + " within " +
                             std::to_string(kAnswerMs) + " ms";
    leave(text);
    if (silence_ms_ == 0) log(1, text + ". It is asked again.");
    silence_ms_ = std::clamp(silence_ms_ * 2, kSilenceFirstMs, kSilenceMostMs);
    look_at_ns_ = now_ns() + silence_ms_ * kMs;
    const std::lock_guard<std::mutex> guard(lock_);
    put_error(WP_ERROR_NO_RENDERER, text, "Restart it: `worldplate serve`.");
}

void Client::look() {
    if (now_ns() < look_at_ns_) return;
    look_at_ns_ = now_ns() + static_cast<uint64_t>(look_every_ms_) * kMs;
    look_every_ms_ = std::min(look_every_ms_ * 2, kLookSlowMs);
    auto found = find_connection(connection_file_);
    if (auto* why = std::get_if<std::string>(&found)) {
        refused_.reset();
        if (*why != last_search_) log(0, *why);
        last_search_ = *why;
        set_state(WP_LINK_SEARCHING);
        return;
    }
    const Connection& connection = std::get<Connection>(found);
    if (refused_ && *refused_ == connection) return; /* until another renderer is there */
    if (!link_.open(connection.endpoint, std::max(limits_.max_message_bytes, limits_.max_frame_bytes))) {
        const std::string why = "No socket to " + connection.endpoint + ": " + link_.error() + ".";
        if (why != last_search_) log(2, why);
        last_search_ = why;
        return;
    }
    connection_ = connection;
    ring_is_possible_ = has_segments() && !inline_only_;
    last_search_.clear();
    look_every_ms_ = kLookFastMs;
    set_state(WP_LINK_CONNECTING);
}

/* HELLO, once the connection is there; again after a resize. */
void Client::greet() {
    Hello hello;
    {
        const std::lock_guard<std::mutex> guard(lock_);
        if (state_ == WP_LINK_GREETING) return; /* the answer first: it is about the size of before */
        if (resized_ && state_ == WP_LINK_REFUSED) refused_.reset(); /* the other size may do */
        if (resized_ && state_ != WP_LINK_CONNECTING && link_.is_open())
            enter(WP_LINK_CONNECTING);
        else if (!resized_ && state_ != WP_LINK_CONNECTING)
            return;
        if (!link_.is_open() || !link_.connected()) return;
        hello.width = width_;
        hello.height = height_;
    }
    if (buffers_ != nullptr && buffers_->generation() > 0) send(Release{session_, buffers_->generation()});
    if (!session_.empty()) forget_session("the picture was resized");
    {
        const std::lock_guard<std::mutex> guard(lock_);
        resized_ = false;
        hello.width = width_;
        hello.height = height_;
    }
    greeted_width_ = hello.width;
    greeted_height_ = hello.height;
    hello.token = connection_->token;
    hello.client = name_;
    hello.engine = engine_;
    hello.pid = process_id();
    for (const wp_plane& plane : planes_) hello.planes.push_back({plane.name, {plane.format}});
    if (ring_is_possible_) hello.transports.push_back(WP_TRANSPORT_SHM);
    hello.transports.push_back(WP_TRANSPORT_INLINE);
    hello.sync = sync_;
    hello.delay_frames = delay_frames_;
    hello.late = late_;
    hello.seed = static_cast<int64_t>(seed_);
    set_state(send(hello) ? WP_LINK_GREETING : WP_LINK_CONNECTING);
}

/* The answer to HELLO, or in an open session that another model took over. One of a session that was left, which a
   resize has overtaken, says nothing of the next. */
void Client::take(const Welcome& welcome) {
    if (!session_.empty() && welcome.session == session_) return change_over(welcome);
    if (state_ != WP_LINK_GREETING || welcome.session == left_session_) return;
    session_ = welcome.session;
    limits_ = welcome.limits;
    stall_ms_ = welcome.stall_ms;
    if (!agree(welcome)) return;
    {
        const std::lock_guard<std::mutex> guard(lock_);
        meet_model(welcome);
        put(status_.transport_reason, welcome.transport_reason);
        status_.transport = welcome.transport;
        status_.wanted_planes = 0;
        for (const PlaneLayout& plane : welcome.planes) status_.wanted_planes |= 1U << plane.name;
    }
    if (welcome.transport == WP_TRANSPORT_SHM) return offer_ring();
    attach(std::make_shared<InlineBuffers>(offered_planes_, offered_outputs_, slot_count_));
}

void Client::meet_model(const Welcome& welcome) {
    controls_ = welcome.controls;
    models_ = welcome.models;
    put(status_.model, welcome.model);
    put(status_.runtime, welcome.runtime);
    put(status_.licence, welcome.licence);
}

/* Planes, buffers and frames are as they were. What was set is told once more, as this model may have what the one
   before had not. */
void Client::change_over(const Welcome& welcome) {
    stall_ms_ = welcome.stall_ms;
    const std::lock_guard<std::mutex> guard(lock_);
    meet_model(welcome);
    steering_told_ = !is_steered_;
    skips_told_ = false;
    note(0, std::string("Another model makes the plates: ") + status_.model + " on " + status_.runtime + ".");
}

/* Whether this client can do what the renderer wants; else it is refused. */
bool Client::agree(const Welcome& welcome) {
    const auto no = [this](const char* code, const char* text, const char* fix) {
        refuse(code, text, fix);
        return false;
    };
    if (welcome.transport != WP_TRANSPORT_INLINE && (welcome.transport != WP_TRANSPORT_SHM || !ring_is_possible_))
        return no(WP_ERROR_NOT_SUPPORTED, "the renderer wants a transport that was not offered", "Update the older side.");
    if (slot_count_ > static_cast<uint64_t>(limits_.max_slots))
        return no(WP_ERROR_LIMIT_EXCEEDED, "slot_count is over max_slots", "Use fewer slots, or raise `max_slots`.");
    wanted_.clear();
    offered_planes_.clear();
    offered_outputs_.clear();
    for (const PlaneLayout& plane : welcome.planes) {
        const auto is_it = [&plane](const wp_plane& each) { return each.name == plane.name && each.format == plane.format; };
        const auto given = std::find_if(planes_.begin(), planes_.end(), is_it);
        if (given == planes_.end())
            return no(WP_ERROR_MISSING_PLANE, "the renderer wants a plane that was not offered", "Update the older side.");
        wanted_.push_back(static_cast<size_t>(given - planes_.begin()));
        offered_planes_.push_back(tight(plane));
    }
    for (const PlaneLayout& plane : welcome.outputs) offered_outputs_.push_back(tight(plane));
    const auto is_other = [this](const PlaneLayout& p) { return p.width != greeted_width_ || p.height != greeted_height_; };
    if (std::any_of(offered_planes_.begin(), offered_planes_.end(), is_other) ||
        std::any_of(offered_outputs_.begin(), offered_outputs_.end(), is_other))
        return no(WP_ERROR_INVALID_VALUE, "the renderer answers with planes of another size", "Update the older side.");
    if (offered_outputs_.empty() || offered_outputs_.front().name != WP_PLANE_NAME_PLATE)
        return no(WP_ERROR_NOT_SUPPORTED, "the renderer gives no plate", "Serve another model.");
    return true;
}

void Client::offer_ring() {
    Outcome outcome;
    offered_ = Ring::create(offered_planes_, offered_outputs_, slot_count_, ++generation_, outcome);
    if (offered_ == nullptr) return do_without_ring(outcome.text);
    set_state(WP_LINK_OPENING);
    if (!send(offered_->message(session_))) leave("the link's queue was full");
}

/* HELLO again, for planes inside messages. */
void Client::do_without_ring(const std::string& why) {
    ring_is_possible_ = false;
    log(1, "No shared ring, so planes travel inside messages, which is slower: " + why);
    forget_session(why);
    set_state(WP_LINK_CONNECTING);
}

void Client::take(const PlanesAck& ack) {
    if (state_ != WP_LINK_OPENING || offered_ == nullptr || ack.generation != generation_) return;
    if (!ack.ok) return do_without_ring(ack.code + ": " + ack.text);
    attach(std::move(offered_));
}

void Client::attach(std::shared_ptr<Buffers> buffers) {
    {
        const std::lock_guard<std::mutex> guard(lock_);
        buffers_ = std::move(buffers);
        ++status_.session_count;
        silence_ms_ = 0;
        put_error("", "", "");
        status_.renderer_pid = static_cast<uint64_t>(connection_->pid);
        steering_told_ = !is_steered_;
        skips_told_ = false;
    }
    set_state(WP_LINK_ATTACHED);
    log(0, std::string("Attached to ") + status_.model + " in process " + std::to_string(connection_->pid) + " over " +
               word_of(status_.transport) + ".");
}

void Client::refuse(const std::string& code, const std::string& text, const std::string& fix) {
    refused_ = connection_;
    leave(text);
    log(2, "The renderer refused the session: " + text + " " + fix);
    set_state(WP_LINK_REFUSED);
    const std::lock_guard<std::mutex> guard(lock_);
    put_error(code, text, fix);
}

/* At once, and without waiting for what was sent: the renderer may be dead. */
void Client::leave(const std::string& reason) {
    if (state_ == WP_LINK_ATTACHED || state_ == WP_LINK_STALLED)
        log(1, "Detached: " + reason + ". Looking for a renderer.");
    link_.close(0);
    forget_session(reason);
    left_session_.clear(); /* what it was still sent goes with the connection */
    look_every_ms_ = kLookFastMs;
    set_state(WP_LINK_SEARCHING);
    const std::lock_guard<std::mutex> guard(lock_);
    model_lost(reason);
}

void Client::forget_session(const std::string& reason) {
    left_session_ = std::move(session_); /* allocates nothing: there may be no memory */
    session_.clear();
    limits_ = {};
    offered_.reset();
    const std::lock_guard<std::mutex> guard(lock_);
    for (FrameState& frame : frames_) {
        if (frame.unanswered()) frame.lost = reason;
        if (frame.progress != Progress::begun) frame.progress = Progress::answered;
        if (frame.progress == Progress::answered) frame.slot = -1; /* of buffers that are gone; `held_buffers_` may keep them */
        if (frame.slot < 0) frame.buffers.reset();
    }
    buffers_.reset();
    written_.clear();
    status_.renderer_pid = 0;
    answered_.notify_all();
}

}  // namespace worldplate

/* One viewport of an engine. The caller's threads and the worker share what is below `lock_`, which nobody holds while
   he copies pixels, talks to the socket or makes a ring; the rest is the worker's alone. */
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "connection_file.hpp"
#include "frames.hpp"
#include "link.hpp"
#include "outcome.hpp"
#include "ring.hpp"

namespace worldplate {

class Client {
public:
    /* `desc` was checked. */
    /* Throws std::exception when there is no memory, thread or socket for it. */
    explicit Client(const wp_client_desc& desc);
    ~Client();

    /* Says goodbye, and waits WP_CLOSE_MS at most for that. Then the worker has ended, all pixels are released, whoever
       was in `wait` has been told, and calls that come later find nothing to do. */
    void close();

    Outcome resize(uint32_t width, uint32_t height);
    Outcome begin_frame(const wp_frame& frame, uint64_t& id);
    bool wants_pixels();
    void layout(wp_plane_place* places, uint64_t& bytes);
    Outcome submit(uint64_t id, Pixels pixels, uint64_t bytes);
    Outcome slot(uint64_t id, void** planes);
    Outcome submit_slot(uint64_t id);
    Outcome wait(uint64_t id, double timeout_ms);

    void present(wp_picture& picture);
    bool plate_whole();
    Outcome reprojection(uint64_t target_id, uint64_t source_id, wp_reprojection_data& data);
    Outcome body_motions(uint64_t target_id, uint64_t source_id, wp_body_motion* motions, uint32_t& count);

    Outcome control_at(uint32_t index, wp_control& control);
    Outcome set_number(const std::string& name, double value);
    Outcome set_text(const std::string& name, const std::string& value);
    Outcome set_ownership(const SetControls& change);
    void reset_world();

    Outcome model_at(uint32_t index, char* name);
    Outcome use_model(const std::string& name);
    void model_change(wp_model_change& change);

    void status(wp_status& status);
    bool next_log(std::string& line, int& level);

private:
    struct Submission {
        uint64_t id;
        Pixels pixels;
        std::vector<wp_plane_place> places; /* as they were when the pixels were made, whatever size is next */
    };
    struct Timed {
        uint64_t at_ns;
        double value;
    };

    /* steer.cpp, under the lock */
    const Control* known_control(const std::string& name) const;
    Outcome set(const std::string& name, const ControlValue& value);
    Map<ControlValue> known_values();
    void steering_changed();

    /* steer.cpp, on the worker's thread without the lock */
    void tell();

    /* models.cpp, under the lock */
    void model_answered(int64_t nonce, const Error* why_not);
    void model_lost(const std::string& reason);

    /* models.cpp, on the worker's thread without the lock */
    void ask_for_model();

    /* client.cpp, under the lock */
    FrameState* find(uint64_t id);
    void resolve(FrameState& frame, wp_disposition disposition);
    void drop_before(uint64_t id);
    void drop_all(const char* why);
    void tidy();
    void free_slot(FrameState& frame);
    void wake();
    Outcome take_over(uint64_t id, Pixels& pixels, uint64_t bytes);

    /* present.cpp, under the lock */
    FrameState* due();
    FrameState* newest_plate(uint64_t epoch);
    bool show_whole(FrameState& source, wp_picture& picture);
    void show_late(FrameState& target, wp_picture& picture);
    void pass_through(FrameState& target, const std::string& why, wp_picture& picture);
    bool put_plate(FrameState& source, wp_picture& picture);
    void put_ages(const FrameState& target, const FrameState* source, wp_picture& picture);

    /* attach.cpp, under the lock */
    void enter(wp_link_state state) noexcept;
    void put_error(const std::string& code, const std::string& text, const std::string& fix);
    void meet_model(const Welcome& welcome);

    /* attach.cpp, on the worker's thread without the lock but where they say so */
    void look();
    void greet();
    void check_answer();
    void set_state(wp_link_state state) noexcept;
    long patience_ms() const;
    void take(const Welcome& welcome);
    void change_over(const Welcome& welcome);
    bool agree(const Welcome& welcome);
    void offer_ring();
    void do_without_ring(const std::string& why);
    void take(const PlanesAck& ack);
    void attach(std::shared_ptr<Buffers> buffers);
    void refuse(const std::string& code, const std::string& text, const std::string& fix);
    void leave(const std::string& reason);
    void forget_session(const std::string& reason);

    /* worker.cpp, likewise */
    void run();
    bool is_closing();
    void step();
    void recover(const char* what) noexcept;
    void end();
    void copy_and_send();
    bool copy(Submission& submission, Buffers& buffers, int64_t slot);
    void send_frame(uint64_t id);
    void take(const Message& message, const std::vector<Part>& parts);
    void take(const Result& result, const std::vector<Part>& parts);
    bool receive_plate(const Result& result, const std::vector<Part>& parts);
    void take(const Error& error);
    void check_beat();
    void log(int level, std::string line);
    void note(int level, std::string line); /* under the lock */
    bool send(const Message& message, const std::vector<Part>& parts = {});
    uint64_t deadline_ns(const FrameState& frame) const;

    const wp_sync_mode sync_;
    const wp_late_policy late_;
    const uint32_t delay_frames_, slot_count_, frames_in_flight_;
    const double frame_period_ms_;
    const std::string name_, engine_, connection_file_;
    const uint64_t seed_;
    const bool inline_only_;
    const wp_plate_arrived plate_arrived_;
    void* const plate_user_;
    const std::vector<wp_plane> planes_;

    std::mutex lock_;
    std::condition_variable answered_;
    uint32_t width_, height_;
    std::deque<FrameState> frames_; /* oldest first */
    std::deque<Submission> submissions_;
    std::deque<uint64_t> written_; /* slots written in place, to be sent */
    std::vector<Pixels> refused_pixels_; /* for the worker to release */
    std::shared_ptr<Buffers> buffers_;   /* of the session; null while there is none */
    std::vector<size_t> wanted_;   /* for each input of the ring, its place in planes_; changes while there is no ring */
    uint64_t last_id_ = 0, epoch_ = 0, last_shown_ = 0, held_ = 0;
    std::shared_ptr<Buffers> held_buffers_; /* keeps picture.plate readable until the next present */
    wp_reset pending_reset_ = WP_RESET_NONE, epoch_reset_ = WP_RESET_NONE; /* to come; that began the epoch */
    uint64_t told_epoch_ = 0; /* the newest of which the renderer has answered a frame */
    wp_link_state state_ = WP_LINK_SEARCHING;
    wp_status status_{};
    std::vector<Control> controls_;
    SetControls steering_;
    bool is_steered_ = false;                         /* anything was set */
    bool steering_told_ = true, skips_told_ = false; /* to this renderer: that, and what its model has not */
    std::vector<std::string> models_;
    wp_model_change model_change_{};
    int64_t model_nonce_ = 0;   /* of the last MODEL */
    bool model_unsent_ = false; /* asked for by the engine, not yet of the renderer */
    bool world_reset_ = false, resized_ = false, closing_ = false, ended_ = false;
    std::deque<std::pair<int, std::string>> log_;
    std::deque<Timed> plates_, ages_;

    Link link_;
    Limits limits_;
    std::string session_, left_session_; /* that is open; that was left on this connection */
    std::optional<Connection> connection_, refused_;
    std::shared_ptr<Ring> offered_; /* announced, not acknowledged */
    std::vector<PlaneLayout> offered_planes_, offered_outputs_; /* as agreed, rows tight */
    bool ring_is_possible_ = true; /* with this renderer */
    int64_t stall_ms_ = 500;
    int64_t greeted_width_ = 0, greeted_height_ = 0;
    std::string last_search_;
    int64_t generation_ = 0;
    uint64_t look_at_ns_ = 0, answer_by_ns_ = 0, silence_ms_ = 0;
    long look_every_ms_ = 10;
    std::thread worker_; /* last: it starts when all the rest is there */
};

uint64_t now_ns();

}  // namespace worldplate

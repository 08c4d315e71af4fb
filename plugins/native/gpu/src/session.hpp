/* The engine's words with the renderer: the least that a frame on a GPU needs. A game's plugin says them through
   worldplate.h; this sample says them itself, so that they can be read. */
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "connection_file.hpp"
#include "link.hpp"
#include "messages.g.hpp"

namespace worldplate::gpu {

/* What became of a frame: its RESULT, or why none will come for any. */
struct Answer {
    std::optional<Result> result;
    std::string why_not;
    std::string moved_to; /* the transport to which the renderer has taken the session from the GPU, if it has */
};

class Session {
public:
    /* Connects to the renderer of a connection file, as `worldplate serve` names it. Throws std::runtime_error when there
       is none. */
    explicit Session(const std::string& connection_file);

    /* HELLO, and what comes back. Throws std::runtime_error with the words of a REJECT. */
    Welcome greet(Hello hello);

    /* Sends; false when the link does not take it. */
    bool say(const Message& message);

    /* The next message that is no STATUS; none when nothing came in time. */
    std::optional<Message> hear(long timeout_ms);

    /* After a hand-over: empty when the renderer has mapped the planes, else why not. */
    std::string planes_refused();

    /* FRAME, and what comes back. After an ERROR of the GPU that is WELCOME with another transport. */
    Answer ask(const Frame& frame);

    /* What the last STATUS told of the GPU path, by name; empty before there was one. */
    const Map<int64_t>& gpu_figures() const { return gpu_figures_; }

    /* Where hand-overs are taken: on Linux beside the connection file, on Windows by the renderer's process. */
    std::string handles_socket() const;
    uint32_t renderer_pid() const { return static_cast<uint32_t>(connection_.pid); }

private:
    bool is_last(const Message& message, Answer& answer) const;

    std::string file_;
    Connection connection_;
    Link link_;
    Limits limits_;
    Map<int64_t> gpu_figures_;
};

}  // namespace worldplate::gpu

/* The engine's words with the renderer: the least that a frame on a GPU needs. A game's plugin says them through
   worldplate.h; this sample says them itself, so that they can be read. */
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "connection_file.hpp"
#include "link.hpp"
#include "messages.g.hpp"

namespace worldplate::gpu {

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

    /* What the last STATUS told of the GPU path, by name; empty before there was one. */
    const Map<int64_t>& gpu_figures() const { return gpu_figures_; }

    /* Beside the connection file. */
    std::string handles_socket() const;

private:
    std::string file_;
    Connection connection_;
    Link link_;
    Limits limits_;
    Map<int64_t> gpu_figures_;
};

}  // namespace worldplate::gpu

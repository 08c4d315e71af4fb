/* The engine's end of the link: a ZeroMQ DEALER with its monitor, and a wake-up that other threads ring. The worker owns
   it; only `wake` may be called by others, one at a time. As ZmqEngineEnd of bridge/link.py. */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "buffers.hpp"

namespace worldplate {

class Link {
public:
    /* Throws std::runtime_error when the system has no sockets left. */
    Link();
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /* Connects in the background; an end that was open is closed first, at once. False, and `error` says why, when
       there is no socket for it or ZeroMQ does not take the endpoint. */
    bool open(const std::string& endpoint, int64_t most_bytes);
    /* Lets what was sent leave for this long. */
    void close(int linger_ms);
    const std::string& error() const { return error_; }
    bool is_open() const { return dealer_ != nullptr; }

    /* Sends a header and its parts, which are read where they are; false when the queue is full or nobody is there. Never
       waits. */
    bool send(const std::vector<uint8_t>& header, const std::vector<Part>& parts = {});
    /* The next message; false when there is none. Never waits. */
    bool receive(std::vector<uint8_t>& header, std::vector<Part>& parts);

    /* Until something came, somebody woke us, or the time is over. */
    void wait(long timeout_ms);
    void wake();

    /* For good: nobody can be woken after it. */
    void end();

    /* Since `open`: whether the handshake succeeded, and whether the connection was lost after that. */
    bool connected() const { return connected_; }
    bool lost() const { return lost_; }

private:
    bool send_part(const Part& part, bool more);
    bool given_up();
    void read_monitor();

    void* context_ = nullptr;
    void* bell_ = nullptr; /* rings */
    void* ear_ = nullptr;  /* hears; the worker's */
    void* dealer_ = nullptr;
    void* monitor_ = nullptr;
    uint64_t opened_ = 0;  /* times */
    bool connected_ = false, lost_ = false;
    std::string error_;
};

}  // namespace worldplate

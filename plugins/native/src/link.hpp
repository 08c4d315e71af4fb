/* The engine's end of the link: a ZeroMQ DEALER with its monitor, and a wake-up that other threads ring. The worker owns
   it; only `wake` may be called by others, one at a time. As ZmqEngineEnd of bridge/link.py. */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace worldplate {

class Link {
public:
    Link();
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /* Connects in the background; an end that was open is closed first, at once. */
    bool open(const std::string& endpoint, int64_t most_bytes);
    /* Lets what was sent leave for this long. */
    void close(int linger_ms);
    bool is_open() const { return dealer_ != nullptr; }

    /* Sends one header part; false when the queue is full or nobody is there. Never waits. */
    bool send(const std::vector<uint8_t>& header);
    /* The header of the next message; false when there is none. Never waits. */
    bool receive(std::vector<uint8_t>& header);

    /* Until something came, somebody woke us, or the time is over. */
    void wait(long timeout_ms);
    void wake();

    /* Since `open`: whether the handshake succeeded, and whether the connection was lost after that. */
    bool connected() const { return connected_; }
    bool lost() const { return lost_; }

private:
    void read_monitor();

    void* context_;
    void* bell_;  /* rings */
    void* ear_;   /* hears; the worker's */
    void* dealer_ = nullptr;
    void* monitor_ = nullptr;
    bool connected_ = false, lost_ = false;
};

}  // namespace worldplate

/* Shared memory of the operating system, made and removed by this process: /dev/shm on Linux. Elsewhere `create` says
   that there is none, and planes travel inline. As bridge/segment.py. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "outcome.hpp"

namespace worldplate {

#ifdef __linux__
constexpr bool kHasSegments = true;
#else
constexpr bool kHasSegments = false;
#endif

/* Owns a segment: its name is removed and its memory unmapped when this is destroyed, in the process that made it. */
class Segment {
public:
    /* Zeros, all pages taken, mode 0600, random name. nullptr and why not; may take tens of milliseconds. */
    static std::unique_ptr<Segment> create(size_t bytes, Outcome& outcome);

    ~Segment();
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    const std::string& name() const { return name_; }
    uint8_t* memory() const { return memory_; }
    size_t bytes() const { return bytes_; }

private:
    Segment(std::string name, std::string path, uint8_t* memory, size_t bytes, int64_t owner);

    std::string name_, path_;
    uint8_t* memory_;
    size_t bytes_;
    int64_t owner_; /* pid: a forked child must not take its parent's segment away */
};

/* This process. */
int64_t process_id();

/* When a process began, in clock ticks since boot; 0 when it does not run, -1 where that cannot be known. */
int64_t process_start_ticks(int64_t pid);

}  // namespace worldplate

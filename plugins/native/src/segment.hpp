/* Shared memory of the operating system, made and removed by this process: /dev/shm on Linux, a named file mapping on
   Windows. Elsewhere `create` says that there is none, and planes travel inline. As bridge/segment.py. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "outcome.hpp"

namespace worldplate {

/* Whether this system has them. */
bool has_segments();

/* Owns a segment, in the process that made it: when this is destroyed its memory is unmapped here, and nobody can open it
   by its name any more. Whoever has mapped it keeps the memory until he unmaps it. */
class Segment {
public:
    /* Zeros, all pages taken, for this user alone, under a random name. nullptr and why not; may take tens of
       milliseconds. */
    static std::unique_ptr<Segment> create(size_t bytes, Outcome& outcome);

    virtual ~Segment() = default;
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    /* `worldplate-` and 32 hexadecimal digits, as in PLANES; where it is to be found each system knows for itself. */
    const std::string& name() const { return name_; }
    uint8_t* memory() const { return memory_; }
    size_t bytes() const { return bytes_; }

protected:
    Segment(std::string name, uint8_t* memory, size_t bytes) : name_(std::move(name)), memory_(memory), bytes_(bytes) {}

private:
    /* For a new one. */
    static std::string random_name();

    std::string name_;
    uint8_t* memory_;
    size_t bytes_;
};

}  // namespace worldplate

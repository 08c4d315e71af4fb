/* Where the pixels of frames and plates are: in a ring that the renderer has mapped too, or in this process, from where
   they travel inside messages. Not safe for several threads at once: the client's lock is, but for `input` of a slot that
   nobody else has. A plate is readable as long as its buffers are there, be it overwritten. */
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "planes.hpp"

namespace worldplate {

/* One part of a message after its header: bytes, and who keeps them as long as they are read. */
struct Part {
    std::shared_ptr<const void> owner;
    const uint8_t* data = nullptr;
    size_t size = 0;
};

class Buffers {
public:
    Buffers() = default;
    virtual ~Buffers() = default;
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;

    /* Of the ring; 0 when there is none. */
    virtual int64_t generation() const = 0;

    /* A free slot for the inputs of a frame, the one that was released first; none when all are taken. */
    virtual std::optional<int64_t> begin(int64_t frame_id) = 0;
    /* Where an input of the agreed planes is written; nullptr when there is none. */
    virtual uint8_t* input(int64_t slot, size_t plane) const = 0;
    virtual void commit(int64_t slot) = 0;
    /* Once nobody reads the slot any more; false when it was not taken. */
    virtual bool release(int64_t slot) = 0;

    /* What travels with the frame, and how it lies in those parts; empty for a ring. */
    virtual std::vector<Part> parts(int64_t slot) const = 0;
    virtual std::vector<PlaneLayout> part_layouts() const = 0;
    /* Takes the outputs that came with a RESULT: bytes that were copied, or nothing when they are not what was agreed.
       Without the lock, as `input`. */
    virtual std::optional<size_t> accept(int64_t slot, int64_t frame_id, const std::vector<PlaneLayout>& outputs,
                                         const std::vector<Part>& parts) = 0;

    /* The first output of a slot when the renderer has finished it for this frame, else nullptr; in place. */
    virtual const uint8_t* plate(int64_t slot, int64_t frame_id) = 0;
    /* Whether it has not changed since `plate`. */
    virtual bool plate_whole(int64_t slot, int64_t frame_id) const = 0;
    virtual const PlaneLayout& plate_layout() const = 0;

    /* Monotonic time of the render loop's last beat, nanoseconds; 0 before the first, and where it has nowhere to beat. */
    virtual uint64_t beat_ns() const = 0;
};

}  // namespace worldplate

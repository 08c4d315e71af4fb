/* The engine's side of the shared ring, which owns the segment; as bridge/ring.py, which says how a slot's two sequence
   locks work. Which slot is taken is known here alone: nothing in the segment, and no slot number of a caller, can make
   a slot be given out twice or reach memory outside it. A slot that is not taken has no planes and no plate. */
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "planes.hpp"
#include "segment.hpp"

namespace worldplate {

class Ring {
public:
    /* A new segment for these planes; their row pitches are kept, their offsets set. nullptr and why not. Takes the
       time that the system needs to find the pages. */
    static std::unique_ptr<Ring> create(const std::vector<PlaneLayout>& inputs, const std::vector<PlaneLayout>& outputs,
                                        int64_t slot_count, int64_t generation, Outcome& outcome);

    /* What tells the renderer of this ring. */
    Planes message(const std::string& session) const;
    int64_t generation() const { return planes_.generation; }

    /* A free slot for the inputs of a frame, the one that was released first; none when all are taken. */
    std::optional<int64_t> begin(int64_t frame_id);
    /* Where an input of the agreed planes is written; nullptr when there is none. */
    uint8_t* input(int64_t slot, size_t plane) const;
    void commit(int64_t slot);
    /* Once nobody reads the slot any more; false when it was not taken. */
    bool release(int64_t slot);

    /* The first output of a slot when the renderer has finished it for this frame, else nullptr; in place. */
    const uint8_t* plate(int64_t slot, int64_t frame_id);
    /* Whether it has not changed since `plate`. */
    bool plate_whole(int64_t slot, int64_t frame_id) const;
    const PlaneLayout& plate_layout() const { return planes_.outputs.front(); }

    /* Monotonic time of the render loop's last beat, nanoseconds; 0 before the first. */
    uint64_t beat_ns() const;

private:
    Ring(Planes planes, std::unique_ptr<Segment> segment);

    bool is_taken(int64_t slot) const;
    uint8_t* slot_header(int64_t slot) const;
    std::atomic<uint64_t>& word(int64_t slot, size_t offset) const;

    Planes planes_;
    std::unique_ptr<Segment> segment_;
    std::vector<uint64_t> sequences_;       /* of the inputs; never read back from where others can write */
    std::vector<uint64_t> plate_sequences_; /* as last seen by `plate` */
    std::deque<int64_t> free_;
    std::vector<uint8_t> taken_; /* bytes: slots of different threads must not share one */
};

}  // namespace worldplate

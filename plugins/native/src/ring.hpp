/* The engine's side of the shared ring, which owns the segment; as bridge/ring.py, which says how a slot's two sequence
   locks work. Which slot is taken is known here alone: nothing in the segment, and no slot number of a caller, can make
   a slot be given out twice or reach memory outside it. A slot that is not taken has no planes and no plate. */
#pragma once

#include <atomic>
#include <deque>

#include "buffers.hpp"
#include "segment.hpp"

namespace worldplate {

class Ring final : public Buffers {
public:
    /* A new segment for these planes; their row pitches are kept, their offsets set. nullptr and why not. Takes the
       time that the system needs to find the pages. */
    static std::unique_ptr<Ring> create(const std::vector<PlaneLayout>& inputs, const std::vector<PlaneLayout>& outputs,
                                        int64_t slot_count, int64_t generation, Outcome& outcome);

    /* What tells the renderer of this ring. */
    Planes message(const std::string& session) const;

    int64_t generation() const override { return planes_.generation; }
    std::optional<int64_t> begin(int64_t frame_id) override;
    uint8_t* input(int64_t slot, size_t plane) const override;
    void commit(int64_t slot) override;
    bool release(int64_t slot) override;
    std::vector<Part> parts(int64_t) const override { return {}; }
    std::vector<PlaneLayout> part_layouts() const override { return {}; }
    std::optional<size_t> accept(int64_t, int64_t, const std::vector<PlaneLayout>&, const std::vector<Part>&) override {
        return 0; /* the plate is in the slot already */
    }
    const uint8_t* plate(int64_t slot, int64_t frame_id) override;
    bool plate_whole(int64_t slot, int64_t frame_id) const override;
    const PlaneLayout& plate_layout() const override { return planes_.outputs.front(); }
    uint64_t beat_ns() const override;

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

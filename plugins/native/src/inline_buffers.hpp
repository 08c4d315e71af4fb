/* Planes and plates inside messages, for engines that share no memory with the renderer: a slot is memory of this process.
   As bridge/inline.py. */
#pragma once

#include <deque>

#include "buffers.hpp"

namespace worldplate {

class InlineBuffers final : public Buffers {
public:
    /* Row pitches are kept. Takes the memory of all slots. */
    InlineBuffers(const std::vector<PlaneLayout>& inputs, const std::vector<PlaneLayout>& outputs, int64_t slot_count);

    int64_t generation() const override { return 0; }
    std::optional<int64_t> begin(int64_t frame_id) override;
    uint8_t* input(int64_t slot, size_t plane) const override;
    void commit(int64_t) override {}
    bool release(int64_t slot) override;
    std::vector<Part> parts(int64_t slot) const override;
    std::vector<PlaneLayout> part_layouts() const override;
    std::optional<size_t> accept(int64_t slot, int64_t frame_id, const std::vector<PlaneLayout>& outputs,
                                 const std::vector<Part>& parts) override;
    const uint8_t* plate(int64_t slot, int64_t frame_id) override;
    bool plate_whole(int64_t slot, int64_t frame_id) const override;
    const PlaneLayout& plate_layout() const override { return outputs_.front(); }
    uint64_t beat_ns() const override { return 0; }

private:
    struct Slot {
        std::shared_ptr<std::vector<uint8_t>> memory; /* shared with the messages in which it is on its way */
        std::vector<uint8_t> plate;
        int64_t frame_id = 0, plate_id = 0; /* 0: the slot is free, or has no plate */
    };

    const Slot* taken(int64_t slot) const;

    std::vector<PlaneLayout> inputs_; /* placed in a slot's memory */
    std::vector<PlaneLayout> outputs_;
    std::vector<Slot> slots_;
    std::deque<int64_t> free_;
};

}  // namespace worldplate

#include "inline_buffers.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>

namespace worldplate {
namespace {

PlaneLayout as_part(PlaneLayout layout) {
    layout.offset_bytes = 0;
    return layout;
}

bool same(const PlaneLayout& a, const PlaneLayout& b) {
    const auto all = [](const PlaneLayout& p) {
        return std::tie(p.name, p.format, p.width, p.height, p.row_pitch_bytes, p.offset_bytes);
    };
    return all(a) == all(b);
}

}  // namespace

InlineBuffers::InlineBuffers(const std::vector<PlaneLayout>& inputs, const std::vector<PlaneLayout>& outputs,
                             int64_t slot_count)
    : inputs_(placed(inputs, 0)), slots_(static_cast<size_t>(slot_count)) {
    for (const PlaneLayout& output : outputs) outputs_.push_back(as_part(output));
    for (int64_t slot = 0; slot < slot_count; ++slot) {
        Slot& made = slots_[static_cast<size_t>(slot)];
        made.memory = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(payload_bytes(inputs_)));
        made.plate.resize(static_cast<size_t>(plane_bytes(outputs_.front())));
        free_.push_back(slot);
    }
}

const InlineBuffers::Slot* InlineBuffers::taken(int64_t slot) const {
    if (slot < 0 || slot >= static_cast<int64_t>(slots_.size())) return nullptr;
    const Slot& found = slots_[static_cast<size_t>(slot)];
    return found.frame_id != 0 ? &found : nullptr;
}

std::optional<int64_t> InlineBuffers::begin(int64_t frame_id) {
    const auto idle = std::find_if(free_.begin(), free_.end(), [this](int64_t slot) {
        return slots_[static_cast<size_t>(slot)].memory.use_count() == 1; /* else the link still reads it */
    });
    if (idle == free_.end()) return std::nullopt;
    std::atomic_thread_fence(std::memory_order_acquire); /* the link's reads are over before the next frame is written */
    const int64_t slot = *idle;
    free_.erase(idle);
    slots_[static_cast<size_t>(slot)].frame_id = frame_id;
    return slot;
}

uint8_t* InlineBuffers::input(int64_t slot, size_t plane) const {
    const Slot* found = taken(slot);
    if (found == nullptr || plane >= inputs_.size()) return nullptr;
    return found->memory->data() + inputs_[plane].offset_bytes;
}

bool InlineBuffers::release(int64_t slot) {
    if (taken(slot) == nullptr) return false;
    Slot& left = slots_[static_cast<size_t>(slot)];
    left.frame_id = left.plate_id = 0;
    free_.push_back(slot);
    return true;
}

std::vector<Part> InlineBuffers::parts(int64_t slot) const {
    std::vector<Part> parts;
    const Slot* found = taken(slot);
    if (found == nullptr) return parts;
    for (const PlaneLayout& input : inputs_)
        parts.push_back({found->memory, found->memory->data() + input.offset_bytes, static_cast<size_t>(plane_bytes(input))});
    return parts;
}

std::vector<PlaneLayout> InlineBuffers::part_layouts() const {
    std::vector<PlaneLayout> layouts;
    for (const PlaneLayout& input : inputs_) layouts.push_back(as_part(input));
    return layouts;
}

std::optional<size_t> InlineBuffers::accept(int64_t slot, int64_t frame_id, const std::vector<PlaneLayout>& outputs,
                                            const std::vector<Part>& parts) {
    const Slot* found = taken(slot);
    if (found == nullptr || found->frame_id != frame_id) return std::nullopt;
    if (outputs.size() != outputs_.size() || parts.size() != outputs_.size()) return std::nullopt;
    for (size_t at = 0; at < outputs.size(); ++at)
        if (!same(outputs[at], outputs_[at]) || parts[at].size != static_cast<size_t>(plane_bytes(outputs_[at])))
            return std::nullopt;
    Slot& plated = slots_[static_cast<size_t>(slot)];
    std::memcpy(plated.plate.data(), parts.front().data, parts.front().size);
    plated.plate_id = frame_id;
    return parts.front().size;
}

const uint8_t* InlineBuffers::plate(int64_t slot, int64_t frame_id) {
    return plate_whole(slot, frame_id) ? slots_[static_cast<size_t>(slot)].plate.data() : nullptr;
}

bool InlineBuffers::plate_whole(int64_t slot, int64_t frame_id) const {
    const Slot* found = taken(slot);
    return found != nullptr && found->frame_id == frame_id && found->plate_id == frame_id;
}

}  // namespace worldplate

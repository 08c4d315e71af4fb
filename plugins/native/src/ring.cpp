#include "ring.hpp"

#include <algorithm>
#include <cstring>

#include "system.hpp"
#include "worldplate_schema.h"

namespace worldplate {
namespace {

static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t) && std::atomic<uint64_t>::is_always_lock_free,
              "the ring's words are plain 8-byte words in shared memory");

int64_t slot_stride(const Planes& planes) { return WP_RING_SLOT_HEADER_BYTES + planes.slot_bytes; }

wp_ring_plane row_of(const PlaneLayout& layout) {
    wp_ring_plane row;
    std::memset(&row, 0, sizeof row);
    row.name = static_cast<uint32_t>(layout.name);
    row.format = static_cast<uint32_t>(layout.format);
    row.width = static_cast<uint32_t>(layout.width);
    row.height = static_cast<uint32_t>(layout.height);
    row.row_pitch_bytes = static_cast<uint32_t>(layout.row_pitch_bytes);
    row.offset_bytes = static_cast<uint64_t>(layout.offset_bytes);
    return row;
}

/* All of it but the magic, which comes last: a header with it is complete. */
void write_header(uint8_t* memory, const Planes& planes) {
    wp_ring_header header;
    std::memset(&header, 0, sizeof header);
    header.abi_version = WP_RING_ABI_VERSION;
    header.header_bytes = WP_RING_HEADER_BYTES;
    header.segment_bytes = static_cast<uint64_t>(planes.segment_bytes);
    header.generation = static_cast<uint64_t>(planes.generation);
    header.owner_pid = static_cast<uint64_t>(process_id());
    header.owner_start = static_cast<uint64_t>(process_start_ticks());
    header.slot_count = static_cast<uint32_t>(planes.slot_count);
    header.slot_header_bytes = WP_RING_SLOT_HEADER_BYTES;
    header.slot_bytes = static_cast<uint64_t>(planes.slot_bytes);
    header.plane_count = static_cast<uint32_t>(planes.planes.size() + planes.outputs.size());
    header.input_count = static_cast<uint32_t>(planes.planes.size());
    std::memcpy(memory, &header, sizeof header);
    uint8_t* row = memory + WP_RING_PLANES_OFFSET;
    for (const auto* layouts : {&planes.planes, &planes.outputs})
        for (const PlaneLayout& layout : *layouts) {
            const wp_ring_plane values = row_of(layout);
            std::memcpy(row, &values, sizeof values);
            row += WP_RING_PLANE_BYTES;
        }
    reinterpret_cast<std::atomic<uint64_t>*>(memory + offsetof(wp_ring_header, magic))->store(WP_RING_MAGIC);
}

}  // namespace

Ring::Ring(Planes planes, std::unique_ptr<Segment> segment)
    : planes_(std::move(planes)),
      segment_(std::move(segment)),
      sequences_(static_cast<size_t>(planes_.slot_count), 0),
      plate_sequences_(static_cast<size_t>(planes_.slot_count), 0),
      taken_(static_cast<size_t>(planes_.slot_count), 0) {
    for (int64_t slot = 0; slot < planes_.slot_count; ++slot) free_.push_back(slot);
}

std::unique_ptr<Ring> Ring::create(const std::vector<PlaneLayout>& inputs, const std::vector<PlaneLayout>& outputs,
                                   int64_t slot_count, int64_t generation, Outcome& outcome) {
    if (inputs.empty() || outputs.empty() || inputs.size() + outputs.size() > WP_RING_MAX_PLANES) {
        outcome = {WP_NOT_SUPPORTED, "A ring holds 1.." + std::to_string(WP_RING_MAX_PLANES) + " planes."};
        return nullptr;
    }
    Planes planes;
    planes.session = std::string(32, '0');
    planes.generation = generation;
    planes.slot_count = slot_count;
    planes.planes = placed(inputs, 0);
    planes.outputs = placed(outputs, payload_bytes(planes.planes));
    planes.slot_bytes = payload_bytes(planes.outputs);
    planes.segment_bytes = WP_RING_HEADER_BYTES + slot_count * slot_stride(planes);
    auto segment = Segment::create(static_cast<size_t>(planes.segment_bytes), outcome);
    if (segment == nullptr) return nullptr;
    planes.segment = segment->name();
    write_header(segment->memory(), planes);
    return std::unique_ptr<Ring>(new Ring(std::move(planes), std::move(segment)));
}

Planes Ring::message(const std::string& session) const {
    Planes planes = planes_;
    planes.session = session;
    return planes;
}

bool Ring::is_taken(int64_t slot) const {
    return slot >= 0 && slot < planes_.slot_count && taken_[static_cast<size_t>(slot)] != 0;
}

uint8_t* Ring::slot_header(int64_t slot) const {
    return segment_->memory() + WP_RING_HEADER_BYTES + slot * slot_stride(planes_);
}

std::atomic<uint64_t>& Ring::word(int64_t slot, size_t offset) const {
    return *reinterpret_cast<std::atomic<uint64_t>*>(slot_header(slot) + offset);
}

std::optional<int64_t> Ring::begin(int64_t frame_id) {
    if (free_.empty()) return std::nullopt;
    const int64_t slot = free_.front();
    free_.pop_front();
    taken_[static_cast<size_t>(slot)] = 1;
    uint64_t& sequence = sequences_[static_cast<size_t>(slot)];
    sequence = (sequence + 1) | 1;
    word(slot, offsetof(wp_ring_slot, input_sequence)).store(sequence, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release); /* odd before any byte of the planes changes */
    word(slot, offsetof(wp_ring_slot, input_frame_id)).store(static_cast<uint64_t>(frame_id), std::memory_order_relaxed);
    return slot;
}

uint8_t* Ring::input(int64_t slot, size_t plane) const {
    if (!is_taken(slot) || plane >= planes_.planes.size()) return nullptr;
    return slot_header(slot) + WP_RING_SLOT_HEADER_BYTES + planes_.planes[plane].offset_bytes;
}

void Ring::commit(int64_t slot) {
    if (!is_taken(slot)) return;
    const uint64_t sequence = ++sequences_[static_cast<size_t>(slot)];
    word(slot, offsetof(wp_ring_slot, input_sequence)).store(sequence, std::memory_order_release);
}

bool Ring::release(int64_t slot) {
    if (!is_taken(slot)) return false;
    taken_[static_cast<size_t>(slot)] = 0;
    free_.push_back(slot);
    return true;
}

const uint8_t* Ring::plate(int64_t slot, int64_t frame_id) {
    if (!is_taken(slot)) return nullptr;
    const auto& sequence = word(slot, offsetof(wp_ring_slot, plate_sequence));
    const uint64_t seen = sequence.load(std::memory_order_acquire);
    const uint64_t of = word(slot, offsetof(wp_ring_slot, plate_frame_id)).load(std::memory_order_acquire);
    /* Once more: a writer may have begun between the two loads, and its frame id been read. */
    if ((seen & 1) != 0 || of != static_cast<uint64_t>(frame_id) || sequence.load(std::memory_order_acquire) != seen)
        return nullptr;
    plate_sequences_[static_cast<size_t>(slot)] = seen;
    return slot_header(slot) + WP_RING_SLOT_HEADER_BYTES + planes_.outputs.front().offset_bytes;
}

bool Ring::plate_whole(int64_t slot, int64_t frame_id) const {
    if (!is_taken(slot)) return false;
    std::atomic_thread_fence(std::memory_order_acquire); /* all of the plate was read before the words are */
    return word(slot, offsetof(wp_ring_slot, plate_frame_id)).load(std::memory_order_relaxed) ==
               static_cast<uint64_t>(frame_id) &&
           word(slot, offsetof(wp_ring_slot, plate_sequence)).load(std::memory_order_relaxed) ==
               plate_sequences_[static_cast<size_t>(slot)];
}

uint64_t Ring::beat_ns() const {
    return reinterpret_cast<const std::atomic<uint64_t>*>(segment_->memory() + offsetof(wp_ring_header, beat_ns))
        ->load(std::memory_order_acquire);
}

}  // namespace worldplate

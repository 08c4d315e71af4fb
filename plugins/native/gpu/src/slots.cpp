#include "slots.hpp"

#include <cstring>
#include <stdexcept>

#include "planes.hpp"

namespace worldplate::gpu {
namespace {

uint64_t place(std::vector<PlaneLayout>& layouts, uint64_t at, Alignment alignment) {
    for (PlaneLayout& layout : layouts) {
        const auto row_bytes = static_cast<uint64_t>(layout.width * bytes_per_pixel(layout.format));
        layout.row_pitch_bytes = static_cast<int64_t>(aligned_to(row_bytes, alignment.row_bytes));
        layout.offset_bytes = static_cast<int64_t>(at);
        at = aligned_to(at + static_cast<uint64_t>(plane_bytes(layout)), alignment.plane_bytes);
    }
    return at;
}

/* 16 hexadecimal digits of an id, which has 32 or these alone. */
uint64_t half_of(const std::string& digits, size_t from) {
    return from < digits.size() ? std::stoull(digits.substr(from, 16), nullptr, 16) : 0;
}

void put_planes(Packet& packet, const Slots& slots) {
    uint8_t* row = packet.data() + WP_RING_PLANES_OFFSET;
    for (const auto* layouts : {&slots.inputs, &slots.outputs}) {
        for (const PlaneLayout& layout : *layouts) {
            const wp_ring_plane plane = {
                static_cast<uint32_t>(layout.name), static_cast<uint32_t>(layout.format),
                static_cast<uint32_t>(layout.width), static_cast<uint32_t>(layout.height),
                static_cast<uint32_t>(layout.row_pitch_bytes), 0, static_cast<uint64_t>(layout.offset_bytes)};
            std::memcpy(row, &plane, sizeof plane);
            row += sizeof plane;
        }
    }
}

}  // namespace

uint64_t aligned_to(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

const PlaneLayout& Slots::plane(wp_plane_name name) const {
    for (const auto* layouts : {&inputs, &outputs})
        for (const PlaneLayout& layout : *layouts)
            if (layout.name == name) return layout;
    throw std::runtime_error(std::string("the plane ") + word_of(name) + " was not agreed");
}

Slots slots_of(const Welcome& welcome, Alignment alignment, uint32_t count) {
    alignment.plane_bytes = aligned_to(alignment.plane_bytes, kAlignmentBytes);
    Slots slots{welcome.planes, welcome.outputs, 0, count};
    slots.slot_bytes = place(slots.outputs, place(slots.inputs, 0, alignment), alignment);
    return slots;
}

Packet packet_of(
    wp_handles own, const Slots& slots, const std::string& device, const std::string& session, uint64_t generation) {
    own.magic = WP_HANDLES_MAGIC;
    own.abi_version = WP_HANDLES_ABI_VERSION;
    own.session_high = half_of(session, 0);
    own.session_low = half_of(session, 16);
    own.device_high = half_of(device, 0);
    own.device_low = half_of(device, 16);
    own.generation = generation;
    own.slot_bytes = slots.slot_bytes;
    own.slot_count = slots.count;
    own.plane_count = static_cast<uint32_t>(slots.inputs.size() + slots.outputs.size());
    own.input_count = static_cast<uint32_t>(slots.inputs.size());
    Packet packet{};
    std::memcpy(packet.data(), &own, sizeof own);
    put_planes(packet, slots);
    return packet;
}

}  // namespace worldplate::gpu

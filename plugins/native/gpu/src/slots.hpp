/* What every exporter has in common: where planes lie in a buffer of slots, and the packet that says so. The planes lie in
   one linear buffer, in which the renderer can read them as tensors. See "On one GPU" in bridge/PROTOCOL.md. */
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "messages.g.hpp"

namespace worldplate::gpu {

/* Where planes lie in a slot, and how many slots there are. */
struct Slots {
    std::vector<PlaneLayout> inputs, outputs;
    uint64_t slot_bytes = 0;
    uint32_t count = 0;

    const PlaneLayout& plane(wp_plane_name name) const; /* throws where there is none */
    uint64_t offset(uint32_t slot, wp_plane_name name) const {
        return slot * slot_bytes + static_cast<uint64_t>(plane(name).offset_bytes);
    }
};

/* What a graphics API asks of a linear buffer: a plane begins at a multiple of the one, a row of it at a multiple of the
   other, in bytes. Where the renderer asks for more, that is taken. */
struct Alignment {
    uint64_t plane_bytes = 1, row_bytes = 1;
};

uint64_t aligned_to(uint64_t bytes, uint64_t to);

/* The planes of WELCOME one after another. */
Slots slots_of(const Welcome& welcome, Alignment alignment, uint32_t count);

using Packet = std::array<uint8_t, WP_HANDLES_BYTES>;

/* The packet of a hand-over. `own` says what only the exporter knows: kind, memory, semaphores, tokens. `device` is the GPU
   as HELLO names it, `session` WELCOME's: hexadecimal digits. */
Packet packet_of(
    wp_handles own, const Slots& slots, const std::string& device, const std::string& session, uint64_t generation);

}  // namespace worldplate::gpu

/* The other side of the shared memory writes whatever it likes into the ring's header and slot headers, and callers name
   any slot. The ring must go by what it knows itself: no slot is given out twice, all planes stay where they were
   announced, a plate is taken only from a slot that is taken and says that it holds it, and what was read stays `whole`
   only while its words do.

   An input is a list of commands: a byte for what, a byte for which slot, a byte for the value. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <set>

#include "ring.hpp"

using namespace worldplate;

namespace {

constexpr int64_t kSlots = 3;

void must(bool holds) {
    if (!holds) std::abort();
}

/* The ring as the renderer has it: mapped anew, by its name. */
class Mapped {
public:
    explicit Mapped(const Planes& planes) : bytes_(static_cast<size_t>(planes.segment_bytes)) {
        const int file = open(("/dev/shm/" + planes.segment).c_str(), O_RDWR | O_CLOEXEC);
        must(file >= 0);
        void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        must(memory != MAP_FAILED);
        close(file);
        memory_ = static_cast<uint8_t*>(memory);
    }
    ~Mapped() { munmap(memory_, bytes_); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;

    uint8_t* memory() const { return memory_; }
    uint64_t word(size_t at) const {
        uint64_t value;
        std::memcpy(&value, memory_ + at, sizeof value);
        return value;
    }
    void put(size_t at, uint64_t value) { std::memcpy(memory_ + at, &value, sizeof value); }

private:
    size_t bytes_;
    uint8_t* memory_ = nullptr;
};

struct Fuzzed {
    std::unique_ptr<Ring> ring;
    Planes planes;
    std::set<int64_t> taken;
    const uint8_t* start = nullptr; /* of the segment, as the ring has mapped it */

    size_t slot_at(int64_t slot) const {
        return static_cast<size_t>(WP_RING_HEADER_BYTES + slot * (WP_RING_SLOT_HEADER_BYTES + planes.slot_bytes));
    }

    void begin(uint8_t id) {
        const auto slot = ring->begin(id);
        must(slot.has_value() == (taken.size() < kSlots));
        if (!slot) return;
        must(*slot >= 0 && *slot < kSlots && taken.insert(*slot).second);
        const uint8_t* first = ring->input(*slot, 0);
        if (start == nullptr) start = first - slot_at(*slot) - WP_RING_SLOT_HEADER_BYTES;
        for (size_t plane = 0; plane < planes.planes.size(); ++plane) {
            uint8_t* input = ring->input(*slot, plane);
            must(input == start + slot_at(*slot) + WP_RING_SLOT_HEADER_BYTES + planes.planes[plane].offset_bytes);
            std::memset(input, id, static_cast<size_t>(plane_bytes(planes.planes[plane])));
        }
        must(ring->input(*slot, planes.planes.size()) == nullptr);
    }

    void plate(int64_t slot, uint8_t id, const Mapped& other) {
        const uint8_t* plate = ring->plate(slot, id);
        const bool is_taken = taken.count(slot) != 0;
        const bool is_there = is_taken && other.word(slot_at(slot) + offsetof(wp_ring_slot, plate_sequence)) % 2 == 0 &&
                              other.word(slot_at(slot) + offsetof(wp_ring_slot, plate_frame_id)) == id;
        must((plate != nullptr) == is_there);
        if (plate == nullptr) return;
        must(plate == start + slot_at(slot) + WP_RING_SLOT_HEADER_BYTES + planes.outputs.front().offset_bytes);
        must(ring->plate_whole(slot, id) && !ring->plate_whole(slot, id + 1));
    }

    void run(uint8_t what, uint8_t which, uint8_t value, Mapped& other) {
        const int64_t slot = static_cast<int8_t>(which); /* also those that there are not */
        const uint64_t wide = value * UINT64_C(0x0101010101010101);
        switch (what % 8) {
            case 0: return begin(value);
            case 1: return ring->commit(slot);
            case 2: return must(ring->release(slot) == (taken.erase(slot) != 0));
            case 3: return plate(slot, value, other);
            case 4: return other.put(size_t{8} * which % (WP_RING_HEADER_BYTES - 8), wide);
            case 5: return other.put(slot_at(which % kSlots) + size_t{8} * (which / kSlots % 4), value);
            case 6: return must(ring->beat_ns() == other.word(offsetof(wp_ring_header, beat_ns)));
            default: return must(taken.count(slot) != 0 || !ring->plate_whole(slot, value));
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    Outcome outcome;
    Fuzzed fuzzed;
    fuzzed.ring = Ring::create({tight_layout(WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F, 5, 2),
                                tight_layout(WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F, 5, 2)},
                               {tight_layout(WP_PLANE_NAME_PLATE, WP_PIXEL_FORMAT_RGBA16F, 5, 2)}, kSlots, 1, outcome);
    must(fuzzed.ring != nullptr);
    fuzzed.planes = fuzzed.ring->message(std::string(32, 'a'));
    Mapped other(fuzzed.planes);
    for (size_t at = 0; at + 3 <= size; at += 3) fuzzed.run(bytes[at], bytes[at + 1], bytes[at + 2], other);
    return 0;
}

/* msgpack, written with the shortest form of each type, as bridge/wire.py writes it. Reals are always 8 bytes: the
   packer of msgpack-cxx makes integers of whole ones, which a reader would take for another type. */
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace worldplate {

class Writer {
public:
    std::vector<uint8_t> bytes;

    void null() { put(0xC0); }
    void boolean(bool value) { put(value ? 0xC3 : 0xC2); }
    void integer(int64_t value) {
        if (value >= 0) return natural(static_cast<uint64_t>(value));
        if (value >= -32) return put(static_cast<uint8_t>(value));
        const auto bits = static_cast<uint64_t>(value);
        if (value >= INT8_MIN) return big_endian(0xD0, bits, 1);
        if (value >= INT16_MIN) return big_endian(0xD1, bits, 2);
        if (value >= INT32_MIN) return big_endian(0xD2, bits, 4);
        big_endian(0xD3, bits, 8);
    }
    void natural(uint64_t value) {
        if (value < 0x80) return put(static_cast<uint8_t>(value));
        if (value <= UINT8_MAX) return big_endian(0xCC, value, 1);
        if (value <= UINT16_MAX) return big_endian(0xCD, value, 2);
        if (value <= UINT32_MAX) return big_endian(0xCE, value, 4);
        big_endian(0xCF, value, 8);
    }
    void real(double value) {
        uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        big_endian(0xCB, bits, 8);
    }
    void text(std::string_view value) {
        if (value.size() < 32)
            put(static_cast<uint8_t>(0xA0 | value.size()));
        else
            sized(0xD9, value.size());
        append(value.data(), value.size());
    }
    void blob(const uint8_t* data, size_t size) {
        sized(0xC4, size);
        append(data, size);
    }
    void array(size_t count) { counted(0x90, 0xDC, count); }
    void map(size_t count) { counted(0x80, 0xDE, count); }

private:
    void put(uint8_t byte) { bytes.push_back(byte); }
    void append(const void* data, size_t size) {
        const auto* from = static_cast<const uint8_t*>(data);
        bytes.insert(bytes.end(), from, from + size);
    }
    void big_endian(uint8_t head, uint64_t value, unsigned size) {
        put(head);
        for (unsigned left = size; left-- > 0;) put(static_cast<uint8_t>(value >> (8 * left)));
    }
    /* Text and blobs: 8, 16 or 32 bits of length after `head`, `head` + 1, `head` + 2. */
    void sized(uint8_t head, uint64_t size) {
        if (size <= UINT8_MAX) return big_endian(head, size, 1);
        if (size <= UINT16_MAX) return big_endian(static_cast<uint8_t>(head + 1), size, 2);
        big_endian(static_cast<uint8_t>(head + 2), size, 4);
    }
    void counted(uint8_t few, uint8_t many, uint64_t count) {
        if (count < 16) return put(static_cast<uint8_t>(few | count));
        if (count <= UINT16_MAX) return big_endian(many, count, 2);
        big_endian(static_cast<uint8_t>(many + 1), count, 4);
    }
};

}  // namespace worldplate

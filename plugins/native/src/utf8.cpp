#include "utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace worldplate {
namespace {

/* Bytes of the character that begins with `lead`, and the least second byte and the largest; 0: none begins so. */
struct Lead {
    size_t size;
    uint8_t low, high;
};

Lead lead_of(uint8_t lead) {
    if (lead < 0x80) return {1, 0, 0};
    if (lead < 0xC2) return {0, 0, 0};
    if (lead < 0xE0) return {2, 0x80, 0xBF};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};
    if (lead == 0xED) return {3, 0x80, 0x9F};
    if (lead < 0xF0) return {3, 0x80, 0xBF};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead < 0xF4) return {4, 0x80, 0xBF};
    if (lead == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

bool continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

bool is_utf8(const char* text, size_t size) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text);
    for (size_t at = 0; at < size;) {
        const Lead lead = lead_of(bytes[at]);
        if (lead.size == 0 || lead.size > size - at) return false;
        if (lead.size > 1 && (bytes[at + 1] < lead.low || bytes[at + 1] > lead.high)) return false;
        for (size_t more = 2; more < lead.size; ++more)
            if (!continues(bytes[at + more])) return false;
        at += lead.size;
    }
    return true;
}

size_t characters(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !continues(static_cast<uint8_t>(c)); }));
}

void put(char* to, size_t room, std::string_view text) {
    size_t size = std::min(text.size(), room - 1);
    while (size > 0 && size < text.size() && continues(static_cast<uint8_t>(text[size]))) --size;
    std::memcpy(to, text.data(), size);
    to[size] = 0;
}

}  // namespace worldplate

/* Reads messages from standard input, each after its length (uint32, little-endian). Writes for each the length and
   the text of its refusal's code (empty when it was taken), then the length and the bytes of the message encoded anew.

     wire_tool            that alone
     wire_tool starved    before it, decodes each message with its first allocation failing, then its second, and so on:
                          status 1 when one of these does not end with the refusal for want of memory */
#include <cstdio>
#include <string>
#include <vector>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "scarce.hpp"
#include "wire.hpp"

namespace {

long allocations_left = -1; /* until one fails; negative: none does */

}  // namespace

/* Each counts; the last that is left fails. */
bool is_scarce() {
    const bool fails = allocations_left == 0;
    if (allocations_left >= 0) --allocations_left;
    return fails;
}

namespace {

static_assert(noexcept(worldplate::decode(nullptr, 0, worldplate::Limits{})));

/* Whether every allocation may fail. */
bool survives_want(const std::vector<uint8_t>& bytes) {
    const worldplate::Limits limits;
    for (long there = 0;; ++there) {
        allocations_left = there;
        const auto decoded = worldplate::decode(bytes.data(), bytes.size(), limits);
        const bool none_failed = allocations_left >= 0;
        allocations_left = -1;
        if (none_failed) return true;
        const auto* refusal = std::get_if<worldplate::Refusal>(&decoded);
        if (refusal == nullptr || refusal->text != "no memory") return false;
    }
}

bool read_sized(std::vector<uint8_t>& bytes) {
    uint8_t size[4];
    if (std::fread(size, 1, 4, stdin) != 4) return false;
    bytes.resize(size[0] | size[1] * size_t{1 << 8} | size[2] * size_t{1 << 16} | size[3] * size_t{1 << 24});
    return std::fread(bytes.data(), 1, bytes.size(), stdin) == bytes.size();
}

void write_sized(const void* data, size_t size) {
    const uint8_t head[4] = {static_cast<uint8_t>(size), static_cast<uint8_t>(size >> 8),
                             static_cast<uint8_t>(size >> 16), static_cast<uint8_t>(size >> 24)};
    std::fwrite(head, 1, 4, stdout);
    std::fwrite(data, 1, size, stdout);
}

}  // namespace

int main(int count, char** words) {
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY); /* else bytes that are line ends to it come and go changed */
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    const bool starved = count > 1 && std::string(words[1]) == "starved";
    std::vector<uint8_t> bytes;
    while (read_sized(bytes)) {
        if (starved && !survives_want(bytes)) return 1;
        const auto decoded = worldplate::decode(bytes.data(), bytes.size(), worldplate::Limits{});
        const auto* refusal = std::get_if<worldplate::Refusal>(&decoded);
        const std::string code = refusal != nullptr ? refusal->code : "";
        write_sized(code.data(), code.size());
        const auto* message = std::get_if<worldplate::Message>(&decoded);
        const std::vector<uint8_t> again = message != nullptr ? worldplate::encode(*message) : std::vector<uint8_t>{};
        write_sized(again.data(), again.size());
    }
    return 0;
}

/* Reads messages from standard input, each after its length (uint32, little-endian). Writes for each the length and
   the text of its refusal's code (empty when it was taken), then the length and the bytes of the message encoded anew. */
#include <cstdio>
#include <string>
#include <vector>

#include "wire.hpp"

namespace {

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

int main() {
    std::vector<uint8_t> bytes;
    while (read_sized(bytes)) {
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

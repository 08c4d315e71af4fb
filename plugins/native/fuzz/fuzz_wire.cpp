/* Whatever the bytes, `decode` ends with a message or a refusal, and what it took comes back from its own bytes. */
#include <cstdlib>

#include "wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    const worldplate::Limits limits;
    const auto decoded = worldplate::decode(bytes, size, limits);
    const auto* message = std::get_if<worldplate::Message>(&decoded);
    if (message == nullptr) return 0;
    const std::vector<uint8_t> first = worldplate::encode(*message);
    if (first.size() > static_cast<size_t>(limits.max_message_bytes)) return 0; /* defaults are written out */
    const auto again = worldplate::decode(first.data(), first.size(), limits);
    const auto* same = std::get_if<worldplate::Message>(&again);
    if (same == nullptr || worldplate::encode(*same) != first) std::abort();
    return 0;
}

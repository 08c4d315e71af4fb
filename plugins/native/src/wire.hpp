/* Bytes to messages and back, as bridge/wire.py. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "messages.g.hpp"

namespace worldplate {

/* One header part. Fields with defaults are written too. */
std::vector<uint8_t> encode(const Message& message);

/* A header part as its message: whole and in range, or why not. Takes memory of the order of the part itself; where
   there is none, that is the refusal. */
std::variant<Message, Refusal> decode(const uint8_t* bytes, size_t size, const Limits& limits) noexcept;

}  // namespace worldplate

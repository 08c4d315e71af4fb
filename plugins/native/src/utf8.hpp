/* UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, up to U+10FFFF. */
#pragma once

#include <cstddef>
#include <string_view>

namespace worldplate {

bool is_utf8(const char* text, size_t size);

/* Code points of valid UTF-8. */
size_t characters(std::string_view text);

/* `text` and its end in `room` bytes, cut at a character where it is longer. */
void put(char* to, size_t room, std::string_view text);

template <size_t N>
void put(char (&to)[N], std::string_view text) {
    put(to, N, text);
}

}  // namespace worldplate

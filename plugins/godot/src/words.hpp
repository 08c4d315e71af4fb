// The protocol's words for the values of its enums.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "worldplate.h"

namespace worldplate::godot {

inline constexpr std::array<const char*, WP_PLANE_NAME_COUNT> kPlaneNames = WP_PLANE_NAME_TEXTS;
inline constexpr std::array<const char*, WP_PIXEL_FORMAT_COUNT> kPixelFormats = WP_PIXEL_FORMAT_TEXTS;
inline constexpr std::array<const char*, WP_TRANSPORT_COUNT> kTransports = WP_TRANSPORT_TEXTS;
inline constexpr std::array<const char*, WP_SYNC_MODE_COUNT> kSyncModes = WP_SYNC_MODE_TEXTS;
inline constexpr std::array<const char*, WP_LATE_POLICY_COUNT> kLatePolicies = WP_LATE_POLICY_TEXTS;
inline constexpr std::array<const char*, WP_DISPOSITION_COUNT> kDispositions = WP_DISPOSITION_TEXTS;
inline constexpr std::array<const char*, WP_RENDERER_STATE_COUNT> kRendererStates = WP_RENDERER_STATE_TEXTS;
inline constexpr std::array<const char*, WP_CONTROL_TYPE_COUNT> kControlTypes = WP_CONTROL_TYPE_TEXTS;
inline constexpr std::array<const char*, WP_LINK_REFUSED + 1> kLinkStates = {
    "searching", "connecting", "greeting", "opening", "attached", "stalled", "refused"};
inline constexpr std::array<const char*, WP_MODEL_REFUSED + 1> kModelProgress = {
    "unasked", "loading", "serves", "refused"};

// The word for a value; "" for one that this header does not know.
template <std::size_t count>
const char* word(const std::array<const char*, count>& words, int value) {
    return value >= 0 && static_cast<std::size_t>(value) < count ? words[static_cast<std::size_t>(value)] : "";
}

// Finds a word's value. Empty, or that it is none of them.
template <std::size_t count, class Enum>
std::string find_word(const std::array<const char*, count>& words, std::string_view text, Enum& value) {
    std::string allowed;
    for (std::size_t i = 0; i < count; ++i) {
        if (text == words[i]) {
            value = static_cast<Enum>(i);
            return "";
        }
        allowed += std::string(i == 0 ? "" : ", ") + words[i];
    }
    return "'" + std::string(text) + "' is none of " + allowed;
}

}  // namespace worldplate::godot

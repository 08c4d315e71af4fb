/* Written by `python -m bridge.codegen` from bridge/schema. Do not edit. */
#pragma once

#include <string_view>

#include "worldplate_schema.h"

namespace worldplate {

inline constexpr const char* kPlaneNameWords[] = WP_PLANE_NAME_TEXTS;
inline const char* word_of(wp_plane_name value) { return kPlaneNameWords[value]; }
inline bool read_word(std::string_view text, wp_plane_name& out) {
    for (int index = 0; index < WP_PLANE_NAME_COUNT; ++index)
        if (text == kPlaneNameWords[index]) {
            out = static_cast<wp_plane_name>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kPixelFormatWords[] = WP_PIXEL_FORMAT_TEXTS;
inline const char* word_of(wp_pixel_format value) { return kPixelFormatWords[value]; }
inline bool read_word(std::string_view text, wp_pixel_format& out) {
    for (int index = 0; index < WP_PIXEL_FORMAT_COUNT; ++index)
        if (text == kPixelFormatWords[index]) {
            out = static_cast<wp_pixel_format>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kTransportWords[] = WP_TRANSPORT_TEXTS;
inline const char* word_of(wp_transport value) { return kTransportWords[value]; }
inline bool read_word(std::string_view text, wp_transport& out) {
    for (int index = 0; index < WP_TRANSPORT_COUNT; ++index)
        if (text == kTransportWords[index]) {
            out = static_cast<wp_transport>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kSyncModeWords[] = WP_SYNC_MODE_TEXTS;
inline const char* word_of(wp_sync_mode value) { return kSyncModeWords[value]; }
inline bool read_word(std::string_view text, wp_sync_mode& out) {
    for (int index = 0; index < WP_SYNC_MODE_COUNT; ++index)
        if (text == kSyncModeWords[index]) {
            out = static_cast<wp_sync_mode>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kLatePolicyWords[] = WP_LATE_POLICY_TEXTS;
inline const char* word_of(wp_late_policy value) { return kLatePolicyWords[value]; }
inline bool read_word(std::string_view text, wp_late_policy& out) {
    for (int index = 0; index < WP_LATE_POLICY_COUNT; ++index)
        if (text == kLatePolicyWords[index]) {
            out = static_cast<wp_late_policy>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kDispositionWords[] = WP_DISPOSITION_TEXTS;
inline const char* word_of(wp_disposition value) { return kDispositionWords[value]; }
inline bool read_word(std::string_view text, wp_disposition& out) {
    for (int index = 0; index < WP_DISPOSITION_COUNT; ++index)
        if (text == kDispositionWords[index]) {
            out = static_cast<wp_disposition>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kResetWords[] = WP_RESET_TEXTS;
inline const char* word_of(wp_reset value) { return kResetWords[value]; }
inline bool read_word(std::string_view text, wp_reset& out) {
    for (int index = 0; index < WP_RESET_COUNT; ++index)
        if (text == kResetWords[index]) {
            out = static_cast<wp_reset>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kWorldOpWords[] = WP_WORLD_OP_TEXTS;
inline const char* word_of(wp_world_op value) { return kWorldOpWords[value]; }
inline bool read_word(std::string_view text, wp_world_op& out) {
    for (int index = 0; index < WP_WORLD_OP_COUNT; ++index)
        if (text == kWorldOpWords[index]) {
            out = static_cast<wp_world_op>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kRendererStateWords[] = WP_RENDERER_STATE_TEXTS;
inline const char* word_of(wp_renderer_state value) { return kRendererStateWords[value]; }
inline bool read_word(std::string_view text, wp_renderer_state& out) {
    for (int index = 0; index < WP_RENDERER_STATE_COUNT; ++index)
        if (text == kRendererStateWords[index]) {
            out = static_cast<wp_renderer_state>(index);
            return true;
        }
    return false;
}

inline constexpr const char* kControlTypeWords[] = WP_CONTROL_TYPE_TEXTS;
inline const char* word_of(wp_control_type value) { return kControlTypeWords[value]; }
inline bool read_word(std::string_view text, wp_control_type& out) {
    for (int index = 0; index < WP_CONTROL_TYPE_COUNT; ++index)
        if (text == kControlTypeWords[index]) {
            out = static_cast<wp_control_type>(index);
            return true;
        }
    return false;
}

}  // namespace worldplate

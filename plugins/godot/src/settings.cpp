#include "settings.hpp"

#include <limits>

#include "words.hpp"

namespace worldplate::godot {

namespace {

std::string take_uint32(const Variant& value, uint32_t& field) {
    if (!value.is(GDEXTENSION_VARIANT_TYPE_INT)) return "it must be an int";
    const int64_t number = value.to_int();
    if (number < 0 || number > std::numeric_limits<uint32_t>::max())
        return "it is " + std::to_string(number) + "; it must be 0.." +
               std::to_string(std::numeric_limits<uint32_t>::max());
    field = static_cast<uint32_t>(number);
    return "";
}

std::string take_uint64(const Variant& value, uint64_t& field) {
    if (!value.is(GDEXTENSION_VARIANT_TYPE_INT)) return "it must be an int";
    if (value.to_int() < 0) return "it is " + std::to_string(value.to_int()) + "; it must be 0 or more";
    field = static_cast<uint64_t>(value.to_int());
    return "";
}

std::string take_double(const Variant& value, double& field) {
    if (!value.is_number()) return "it must be a float";
    field = value.to_double();
    return "";
}

std::string take_flag(const Variant& value, uint8_t& field) {
    if (!value.is(GDEXTENSION_VARIANT_TYPE_BOOL)) return "it must be a bool";
    field = value.to_bool() ? 1 : 0;
    return "";
}

std::string take_text(const Variant& value, std::string& field) {
    if (!value.is_text()) return "it must be a String";
    field = value.to_text().utf8();
    return "";
}

template <std::size_t count, class Enum>
std::string take_word(const Variant& value, const std::array<const char*, count>& words, Enum& field) {
    if (!value.is_text()) return "it must be a String";
    return find_word(words, value.to_text().utf8(), field);
}

constexpr const char* kKeys =
    "width, height, planes, sync, delay_frames, late, seed, slot_count, frames_in_flight, frame_period_ms, name, "
    "engine, connection_file, inline_only";

}  // namespace

std::string Settings::take(const std::string& key, const Variant& value) {
    if (key == "width") return take_uint32(value, desc_.width);
    if (key == "height") return take_uint32(value, desc_.height);
    if (key == "planes") return take_planes(value);
    if (key == "sync") return take_word(value, kSyncModes, desc_.sync);
    if (key == "delay_frames") return take_uint32(value, desc_.delay_frames);
    if (key == "late") return take_word(value, kLatePolicies, desc_.late);
    if (key == "seed") return take_uint64(value, desc_.seed);
    if (key == "slot_count") return take_uint32(value, desc_.slot_count);
    if (key == "frames_in_flight") return take_uint32(value, desc_.frames_in_flight);
    if (key == "frame_period_ms") return take_double(value, desc_.frame_period_ms);
    if (key == "name") return take_text(value, name_);
    if (key == "engine") return take_text(value, engine_);
    if (key == "connection_file") return take_text(value, connection_file_);
    if (key == "inline_only") return take_flag(value, desc_.inline_only);
    return std::string("there is no such setting; there are ") + kKeys;
}

std::string Settings::take_planes(const Variant& value) {
    if (!value.is(GDEXTENSION_VARIANT_TYPE_ARRAY)) return "it must be an Array of [name, format]";
    const Array planes(value);
    if (planes.size() > WP_RING_MAX_PLANES)
        return "it has " + std::to_string(planes.size()) + " planes; at most " + std::to_string(WP_RING_MAX_PLANES);
    planes_.clear();
    for (int64_t i = 0; i < planes.size(); ++i)
        if (const std::string wrong = take_plane(planes[i]); !wrong.empty())
            return "plane " + std::to_string(i) + ": " + wrong;
    return "";
}

std::string Settings::take_plane(const Variant& value) {
    const char* const form = "it must be [name: String, format: String]";
    if (!value.is(GDEXTENSION_VARIANT_TYPE_ARRAY)) return form;
    const Array pair(value);
    if (pair.size() != 2 || !pair[0].is_text() || !pair[1].is_text()) return form;
    wp_plane plane{};
    if (std::string wrong = take_word(pair[0], kPlaneNames, plane.name); !wrong.empty()) return wrong;
    if (std::string wrong = take_word(pair[1], kPixelFormats, plane.format); !wrong.empty()) return wrong;
    planes_.push_back(plane);
    return "";
}

std::string Settings::read(const Dictionary& dictionary) {
    std::string wrong;
    dictionary.each([&](const Variant& key, const Variant& value) {
        if (!key.is_text()) {
            wrong = "the keys of the settings must be Strings";
            return false;
        }
        const std::string name = key.to_text().utf8();
        wrong = take(name, value);
        if (!wrong.empty()) wrong = name + ": " + wrong;
        return wrong.empty();
    });
    return wrong;
}

wp_client_desc Settings::desc() const {
    wp_client_desc desc = desc_;
    desc.planes = planes_.data();
    desc.plane_count = static_cast<uint32_t>(planes_.size());
    desc.name = name_.c_str();
    desc.engine = engine_.c_str();
    desc.connection_file = connection_file_.empty() ? nullptr : connection_file_.c_str();
    return desc;
}

}  // namespace worldplate::godot

#include "arguments.hpp"

#include <cmath>
#include <cstring>

#include "checks.hpp"
#include "frames.hpp"
#include "utf8.hpp"

namespace worldplate {
namespace {

constexpr uint64_t kMostSeed = INT64_MAX; /* a u63 of the protocol, as times are */

Outcome bad(const std::string& text) { return {WP_BAD_ARGUMENT, text}; }

/* An enum of another language may hold any number. */
template <typename Enum>
bool below(Enum value, int count) {
    int number;
    static_assert(sizeof number == sizeof value, "enums of C are ints");
    std::memcpy(&number, &value, sizeof number);
    return number >= 0 && number < count;
}

bool is_name(const char* text, size_t least) {
    if (text == nullptr) return false;
    const size_t size = std::strlen(text);
    return size >= least && size < WP_NAME_BYTES && is_utf8(text, size);
}

Outcome check_planes(const wp_client_desc& desc) {
    if (desc.planes == nullptr || desc.plane_count < 1 || desc.plane_count >= WP_RING_MAX_PLANES)
        return bad("plane_count is " + std::to_string(desc.plane_count) + ": give 1.." +
                   std::to_string(WP_RING_MAX_PLANES - 1) + " planes.");
    uint32_t seen = 0;
    for (uint32_t at = 0; at < desc.plane_count; ++at) {
        const wp_plane plane = desc.planes[at];
        if (!below(plane.name, WP_PLANE_NAME_PLATE) || !is_allowed(plane.name, plane.format))
            return bad("plane " + std::to_string(at) + " has a name or format that is not allowed: see PROTOCOL.md.");
        if ((seen & 1U << plane.name) != 0) return bad("plane " + std::to_string(at) + " is there twice.");
        seen |= 1U << plane.name;
    }
    if ((seen & 1U << WP_PLANE_NAME_COLOR) == 0) return bad("the plane `color` is missing, which is required.");
    return {};
}

Outcome check_timing(const wp_client_desc& desc) {
    constexpr int64_t most_slots = WP_LIMIT_MAX_SLOTS;
    if (desc.sync == WP_SYNC_MODE_GENLOCKED)
        return {WP_NOT_SUPPORTED, "The sync mode genlocked needs a house clock: use lockstep, delayed or freerun."};
    if (!below(desc.sync, WP_SYNC_MODE_COUNT) || !below(desc.late, WP_LATE_POLICY_COUNT))
        return bad("sync or late is none of the protocol's words.");
    if (desc.delay_frames > 8) return bad("delay_frames is " + std::to_string(desc.delay_frames) + ": use 0..8.");
    if (desc.slot_count < 3 || desc.slot_count > most_slots)
        return bad("slot_count is " + std::to_string(desc.slot_count) + ": use 3.." + std::to_string(most_slots) +
                   " (`max_slots`).");
    if (desc.frames_in_flight < 1 || desc.frames_in_flight >= desc.slot_count)
        return bad("frames_in_flight is " + std::to_string(desc.frames_in_flight) + ": use 1..slot_count - 1.");
    if (!(desc.frame_period_ms > 0.0 && desc.frame_period_ms <= 10000.0))
        return bad("frame_period_ms is " + std::to_string(desc.frame_period_ms) + ": use more than 0, 10000 at most.");
    return {};
}

/* Names are put together only for what is wrong: these run for every body of every frame. */
Outcome check_pose(const std::string& of, const char* name, const wp_pose& pose) {
    const double* q = pose.orientation;
    for (const double value : pose.position_m)
        if (!is_finite(value))
            return bad(of + name + ".position_m has the value " + std::to_string(value) + ": it must be finite.");
    const double length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    if (std::fabs(length - 1.0) <= kUnitTolerance) return {};
    return bad(of + name + ".orientation is of length " + std::to_string(length) + ": use a unit quaternion x,y,z,w.");
}

template <size_t N>
Outcome check_numbers(const std::string& of, const char* name, const float (&values)[N]) {
    for (const float value : values)
        if (!is_finite(static_cast<double>(value)))
            return bad(of + name + " has the value " + std::to_string(value) + ": it must be finite.");
    return {};
}

Outcome check_body(const std::string& name, const wp_body& body) {
    if (body.id == 0) return bad(name + " has the id 0, which means no object: count from 1.");
    Outcome outcome = check_pose(name, ".world_from_body", body.world_from_body);
    if (outcome.ok()) outcome = check_pose(name, ".previous_world_from_body", body.previous_world_from_body);
    if (outcome.ok()) outcome = check_numbers(name, ".velocity_m_s", body.velocity_m_s);
    if (outcome.ok()) outcome = check_numbers(name, ".angular_velocity_rad_s", body.angular_velocity_rad_s);
    return outcome;
}

Outcome check_contact(const std::string& name, const wp_contact& contact) {
    if (Outcome outcome = check_numbers(name, ".point_m", contact.point_m); !outcome.ok()) return outcome;
    if (contact.normal_force_n >= 0.0F && is_finite(static_cast<double>(contact.normal_force_n))) return {};
    return bad(name + ".normal_force_n is " + std::to_string(contact.normal_force_n) + ": use newtons, 0 or more.");
}

Outcome check_timecode(const wp_timecode& t) {
    const struct {
        const char* name;
        uint32_t value, least, most;
    } parts[] = {{"hours", t.hours, 0, 23}, {"minutes", t.minutes, 0, 59}, {"seconds", t.seconds, 0, 59},
                 {"frames", t.frames, 0, 119}, {"rate_numerator", t.rate_numerator, 1, 240000},
                 {"rate_denominator", t.rate_denominator, 1, 1001}};
    for (const auto& part : parts)
        if (part.value < part.least || part.value > part.most)
            return bad(std::string("timecode.") + part.name + " is " + std::to_string(part.value) + ": use " +
                       std::to_string(part.least) + ".." + std::to_string(part.most) + ".");
    return {};
}

template <typename T, typename Check>
Outcome check_each(const char* list, const T* items, uint32_t count, Check check) {
    for (uint32_t at = 0; at < count; ++at)
        if (!check("", items[at]).ok()) return check(std::string(list) + "[" + std::to_string(at) + "]", items[at]);
    return {};
}

Outcome check_lists(const wp_frame& frame) {
    constexpr uint32_t most = WP_LIMIT_MAX_OBJECTS;
    if (frame.body_count > most || frame.contact_count > most)
        return bad("there are " + std::to_string(frame.body_count) + " bodies and " +
                   std::to_string(frame.contact_count) + " contacts: " + std::to_string(most) +
                   " of each at most (`max_objects`).");
    if ((frame.body_count > 0 && frame.bodies == nullptr) || (frame.contact_count > 0 && frame.contacts == nullptr))
        return bad("bodies or contacts is NULL with a count above 0.");
    Outcome outcome = check_each("bodies", frame.bodies, frame.body_count, check_body);
    return outcome.ok() ? check_each("contacts", frame.contacts, frame.contact_count, check_contact) : outcome;
}

}  // namespace

Outcome check(const wp_client_desc& desc) {
    constexpr int64_t most_px = WP_LIMIT_MAX_SIDE_PX;
    if (desc.abi_version != WP_ABI_VERSION) return {WP_BAD_ABI, wp_code_text(WP_BAD_ABI)};
    if (desc.width < 1 || desc.height < 1 || desc.width > most_px || desc.height > most_px)
        return bad("width and height are " + std::to_string(desc.width) + "x" + std::to_string(desc.height) +
                   ": use 1.." + std::to_string(most_px) + " (`max_side_px`).");
    if (Outcome outcome = check_planes(desc); !outcome.ok()) return outcome;
    if (Outcome outcome = check_timing(desc); !outcome.ok()) return outcome;
    if (desc.seed > kMostSeed) return bad("seed is " + std::to_string(desc.seed) + ": use less than 2^63.");
    if (!is_name(desc.name, 1) || !is_name(desc.engine, 0))
        return bad("name (1..64 bytes) or engine (0..64 bytes) is of another length, or not UTF-8.");
    return {};
}

Outcome check(const wp_frame& frame) {
    if (const auto refusal = check_camera(camera_of(frame.camera))) return bad(refusal->text + ". " + refusal->fix);
    if (!below(frame.reset, WP_RESET_COUNT)) return bad("reset is none of the protocol's words.");
    if (frame.seed > kMostSeed || frame.capture_ns > kMostSeed)
        return bad("seed is " + std::to_string(frame.seed) + " and capture_ns " + std::to_string(frame.capture_ns) +
                   ": use less than 2^63.");
    if (frame.timecode != nullptr)
        if (Outcome outcome = check_timecode(*frame.timecode); !outcome.ok()) return outcome;
    return check_lists(frame);
}

}  // namespace worldplate

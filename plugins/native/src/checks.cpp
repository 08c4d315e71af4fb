#include "checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "utf8.hpp"

namespace worldplate {
namespace {

using Verdict = std::optional<Refusal>;

constexpr double kLargest = 1e15;      /* of a real number on the wire */
constexpr double kLeastVolume = 1e-12; /* of the box that a projection's rows span, each made unit length */
constexpr size_t kLongestName = 64;

Refusal invalid(std::string text, std::string fix) { return {WP_ERROR_INVALID_VALUE, std::move(text), std::move(fix)}; }

Refusal over(const std::string& what, int64_t value, int64_t limit, const char* setting) {
    return {WP_ERROR_LIMIT_EXCEEDED, what + " is " + std::to_string(value) + ", the limit is " + std::to_string(limit),
            std::string("Send less, or raise `") + setting + "`."};
}

Verdict finite(const std::string& name, const double* values, size_t count) {
    const double* wrong = std::find_if_not(values, values + count, is_finite);
    if (wrong == values + count) return {};
    return invalid(name + " has the value " + std::to_string(*wrong), "Send finite numbers up to 1e+15.");
}

Verdict finite(const std::string& name, double value) { return finite(name, &value, 1); }

Verdict finite(const std::string& name, const Map<double>& values) {
    for (const auto& [key, value] : values)
        if (auto refusal = finite(name + " " + key, value)) return refusal;
    return {};
}

/* The first refusal of several checks. */
template <typename... Checks>
Verdict first(Checks&&... checks) {
    Verdict refusal;
    static_cast<void>(((refusal = checks()).has_value() || ...));
    return refusal;
}

double length(const double* v, size_t count) {
    double sum = 0.0;
    for (size_t at = 0; at < count; ++at) sum += v[at] * v[at];
    return std::sqrt(sum);
}

bool is_unit(const double* quaternion) { return std::fabs(length(quaternion, 4) - 1.0) <= kUnitTolerance; }

Verdict check_pose(const std::string& name, const Pose& pose) {
    if (auto refusal = finite(name + ".position_m", pose.position_m.data(), 3)) return refusal;
    if (is_unit(pose.orientation.data())) return {};
    return invalid(name + ".orientation is of length " + std::to_string(length(pose.orientation.data(), 4)),
                   "Send a unit quaternion x,y,z,w.");
}

/* Of a 4x4 row-major matrix, by 2x2 minors of its upper and lower halves (Laplace). */
double determinant(const std::array<double, 16>& m) {
    const auto minor = [&m](size_t row, size_t a, size_t b) {
        return m[row + a] * m[row + 4 + b] - m[row + b] * m[row + 4 + a];
    };
    return minor(0, 0, 1) * minor(8, 2, 3) - minor(0, 0, 2) * minor(8, 1, 3) + minor(0, 0, 3) * minor(8, 1, 2) +
           minor(0, 1, 2) * minor(8, 0, 3) - minor(0, 1, 3) * minor(8, 0, 2) + minor(0, 2, 3) * minor(8, 0, 1);
}

Verdict check_projection(const std::array<double, 16>& m) {
    if (auto refusal = finite("camera.projection", m.data(), 16)) return refusal;
    const double rows = length(&m[0], 4) * length(&m[4], 4) * length(&m[8], 4) * length(&m[12], 4);
    if (std::fabs(determinant(m)) > kLeastVolume * rows) return {};
    return invalid("camera.projection is singular", "Send clip_from_view, row-major.");
}

Verdict check_range(const Camera& camera) {
    if (camera.near_m > 0.0 && std::isfinite(camera.near_m) && camera.near_m < camera.far_m) return {};
    return invalid("camera.near_m is " + std::to_string(camera.near_m) + " and camera.far_m " +
                       std::to_string(camera.far_m),
                   "Send 0 < near < far, in metres.");
}

Verdict check_lens(const Lens& lens) {
    const double sizes[] = {lens.focal_length_mm, lens.sensor_width_mm, lens.f_number, lens.focus_distance_m};
    if (auto refusal = finite("camera.lens", sizes, 4)) return refusal;
    const double least = *std::min_element(sizes, sizes + 4);
    if (least >= 0.0) return {};
    return invalid("camera.lens has the negative value " + std::to_string(least), "Send 0 for what is unknown.");
}

template <typename T>
std::vector<T> numbers(const Blob& blob) {
    std::vector<T> values(blob.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), blob.bytes.data(), values.size() * sizeof(T));
    return values;
}

Verdict blob_length(const char* name, const Blob& blob, int64_t each, int64_t count) {
    if (static_cast<int64_t>(blob.bytes.size()) == each * count) return {};
    return invalid(std::string("bodies.") + name + " has " + std::to_string(blob.bytes.size()) + " bytes",
                   "Send " + std::to_string(each) + " bytes for each of the " + std::to_string(count) + ".");
}

Verdict check_ids(const Blob& blob) {
    const std::vector<uint32_t> ids = numbers<uint32_t>(blob);
    const std::set<uint32_t> different(ids.begin(), ids.end());
    if (different.size() == ids.size() && different.count(0) == 0) return {};
    return invalid("bodies.ids has an id twice, or the id 0", "Give every rigid body an id of its own, from 1.");
}

Verdict check_poses(const char* name, const Blob& blob) {
    const std::vector<double> values = numbers<double>(blob);
    if (auto refusal = finite(std::string("bodies.") + name, values.data(), values.size())) return refusal;
    for (size_t at = 3; at < values.size(); at += 7)
        if (!is_unit(&values[at]))
            return invalid(std::string("bodies.") + name + ": a quaternion is of length " +
                               std::to_string(length(&values[at], 4)),
                           "Send unit quaternions x,y,z,w.");
    return {};
}

Verdict check_singles(const char* name, const Blob& blob) {
    const std::vector<float> singles = numbers<float>(blob);
    const std::vector<double> values(singles.begin(), singles.end());
    return finite(std::string("bodies.") + name, values.data(), values.size());
}

Verdict check_side(const std::string& name, int64_t side, const Limits& limits) {
    if (side < 1) return invalid(name + " is " + std::to_string(side) + " px", "Send 1 pixel or more (`max_side_px`).");
    if (side > limits.max_side_px) return over(name + " in pixels", side, limits.max_side_px, "max_side_px");
    return {};
}

template <typename T>
Verdict each_once(const char* what, const std::vector<T>& named) {
    for (size_t at = 0; at < named.size(); ++at)
        for (size_t before = 0; before < at; ++before)
            if (named[at].name == named[before].name)
                return invalid(std::string("a ") + what + " is there twice", "Send each once.");
    return {};
}

Verdict check_layouts(std::vector<PlaneLayout> layouts, const std::vector<PlaneLayout>& more, const Limits& limits) {
    layouts.insert(layouts.end(), more.begin(), more.end());
    for (const PlaneLayout& layout : layouts) {
        const std::string name = word_of(layout.name);
        if (auto refusal = check_side(name + ".width", layout.width, limits)) return refusal;
        if (auto refusal = check_side(name + ".height", layout.height, limits)) return refusal;
    }
    return each_once("plane", layouts);
}

Verdict check_control(const Control& control, const Limits& limits) {
    const double range[] = {control.minimum, control.maximum, control.step};
    if (auto refusal = check_controls({{control.name, control.default_}}, limits)) return refusal;
    if (auto refusal = finite("control '" + control.name + "'", range, 3)) return refusal;
    if (control.minimum > control.maximum)
        return invalid("control '" + control.name + "' has a minimum over its maximum", "Send minimum <= maximum.");
    const auto* choice = std::get_if<std::string>(&control.default_);
    const auto& choices = control.choices;
    if (control.type == WP_CONTROL_TYPE_CHOICE &&
        (choice == nullptr || std::find(choices.begin(), choices.end(), *choice) == choices.end()))
        return invalid("the default of control '" + control.name + "' is none of its choices", "Send one of them.");
    return {};
}

Verdict check(const Frame& frame, const Limits& limits) {
    if (frame.id < 1) return invalid("id is " + std::to_string(frame.id), "Number the frames of a stream from 1.");
    return first([&] { return check_camera(frame.camera); }, [&] { return check_bodies(frame.bodies, limits); },
                 [&] { return check_controls(frame.controls, limits); },
                 [&] { return check_layouts(frame.planes, {}, limits); });
}

Verdict check(const Result& result, const Limits& limits) {
    return first([&] { return result.camera ? check_camera(*result.camera) : Verdict{}; },
                 [&] { return check_layouts(result.outputs, {}, limits); },
                 [&] { return finite("age_ms", result.age_ms); }, [&] { return finite("stages_ms", result.stages_ms); });
}

Verdict check(const Hello& hello, const Limits& limits) {
    return first([&] { return check_side("width", hello.width, limits); },
                 [&] { return check_side("height", hello.height, limits); },
                 [&] { return each_once("plane", hello.planes); });
}

Verdict check(const Welcome& welcome, const Limits& limits) {
    if (auto refusal = check_layouts(welcome.planes, welcome.outputs, limits)) return refusal;
    if (auto refusal = finite("response_window_ms", welcome.response_window_ms)) return refusal;
    const auto count = static_cast<int64_t>(welcome.controls.size());
    if (count > limits.max_controls) return over("the number of controls", count, limits.max_controls, "max_controls");
    if (auto refusal = each_once("control", welcome.controls)) return refusal;
    for (const Control& control : welcome.controls)
        if (auto refusal = check_control(control, limits)) return refusal;
    return {};
}

Verdict check(const Planes& planes, const Limits& limits) {
    if (planes.slot_count > limits.max_slots)
        return over("slot_count", planes.slot_count, limits.max_slots, "max_slots");
    if (planes.segment_bytes > limits.max_shared_bytes)
        return over("segment_bytes", planes.segment_bytes, limits.max_shared_bytes, "max_shared_bytes");
    if (planes.segment_bytes < 1) return invalid("segment_bytes is 0", "Send the size of the shared segment.");
    return check_layouts(planes.planes, planes.outputs, limits);
}

Verdict check(const SetControls& message, const Limits& limits) {
    if (auto refusal = check_controls(message.values, limits)) return refusal;
    const auto negative = [](const std::optional<double>& metres) { return metres && !(*metres >= 0.0); };
    if (negative(message.plate_near_m) || negative(message.plate_far_m))
        return invalid("plate_near_m or plate_far_m is negative", "Send metres, 0 or more; +inf means no limit.");
    if (message.plate_near_m && message.plate_far_m && *message.plate_near_m > *message.plate_far_m)
        return invalid("plate_near_m is larger than plate_far_m", "Send near <= far, in metres.");
    return {};
}

Verdict check(const Status& status, const Limits&) {
    return first([&] { return finite("plates_per_s", status.plates_per_s); },
                 [&] { return finite("frame_age_ms", status.frame_age_ms); });
}

template <typename T>
Verdict check(const T&, const Limits&) {
    return {};
}

}  // namespace

bool is_finite(double value) { return std::fabs(value) <= kLargest; }

std::optional<Refusal> check_values(const Message& message, const Limits& limits) {
    return std::visit([&limits](const auto& held) { return check(held, limits); }, message);
}

std::optional<Refusal> check_camera(const Camera& camera) {
    return first([&] { return check_pose("camera.world_from_camera", camera.world_from_camera); },
                 [&] { return check_pose("camera.previous_world_from_camera", camera.previous_world_from_camera); },
                 [&] { return finite("camera.jitter_px", camera.jitter_px.data(), 2); },
                 [&] { return check_projection(camera.projection); }, [&] { return check_range(camera); },
                 [&] { return check_lens(camera.lens); });
}

std::optional<Refusal> check_bodies(const Bodies& b, const Limits& limits) {
    if (b.count > limits.max_objects) return over("bodies.count", b.count, limits.max_objects, "max_objects");
    if (b.contact_count > limits.max_objects)
        return over("bodies.contact_count", b.contact_count, limits.max_objects, "max_objects");
    return first([&] { return blob_length("ids", b.ids, 4, b.count); },
                 [&] { return blob_length("labels", b.labels, 1, b.count); },
                 [&] { return blob_length("poses", b.poses, 56, b.count); },
                 [&] { return blob_length("previous_poses", b.previous_poses, 56, b.count); },
                 [&] { return blob_length("velocities", b.velocities, 24, b.count); },
                 [&] { return blob_length("contact_ids", b.contact_ids, 8, b.contact_count); },
                 [&] { return blob_length("contact_points", b.contact_points, 16, b.contact_count); },
                 [&] { return check_ids(b.ids); }, [&] { return check_poses("poses", b.poses); },
                 [&] { return check_poses("previous_poses", b.previous_poses); },
                 [&] { return check_singles("velocities", b.velocities); },
                 [&] { return check_singles("contact_points", b.contact_points); });
}

std::optional<Refusal> check_controls(const Map<ControlValue>& controls, const Limits& limits) {
    const auto count = static_cast<int64_t>(controls.size());
    if (count > limits.max_controls) return over("the number of controls", count, limits.max_controls, "max_controls");
    for (const auto& [name, value] : controls) {
        const size_t letters = characters(name);
        if (letters < 1 || letters > kLongestName)
            return invalid("a control's name has " + std::to_string(letters) + " characters", "Send 1..64 characters.");
        if (const auto* text = std::get_if<std::string>(&value)) {
            const auto size = static_cast<int64_t>(characters(*text));
            if (size > limits.max_text)
                return over("a control's text in characters", size, limits.max_text, "max_text");
        } else if (const auto* real = std::get_if<double>(&value)) {
            if (auto refusal = finite("control '" + name + "'", *real)) return refusal;
        } else if (const auto* integer = std::get_if<int64_t>(&value)) {
            if (auto refusal = finite("control '" + name + "'", static_cast<double>(*integer))) return refusal;
        }
    }
    return {};
}

}  // namespace worldplate

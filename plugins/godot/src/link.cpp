#include "link.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "binding.hpp"
#include "carry_buffer.hpp"
#include "frame_input.hpp"
#include "report.hpp"
#include "settings.hpp"

namespace worldplate::godot {

namespace {

// Called on the worker thread. Packed arrays are counted atomically, and the engine's allocator takes calls from any
// thread, so that the last reference may end there.
void release_pixels(void* pixels) { delete static_cast<Bytes*>(pixels); }

constexpr uint64_t kPixelBytes = 8;  // RGBA16F

bool make_room(Bytes& pixels, uint64_t bytes) {
    const auto count = static_cast<int64_t>(bytes);
    return pixels.size() == count || pixels.resize(count);
}

void copy_rows(uint8_t* to, const uint8_t* from, uint64_t row, uint64_t height, uint64_t pitch) {
    if (row == pitch) {
        std::memcpy(to, from, row * height);
        return;
    }
    for (uint64_t y = 0; y < height; ++y) std::memcpy(to + row * y, from + pitch * y, row);
}

}  // namespace

std::string Link::keep(std::string error) {
    if (error.empty()) return error;
    const std::lock_guard lock(error_mutex_);
    return last_error_ = std::move(error);
}

std::string Link::kept(wp_code code) {
    if (code == WP_OK) return "";
    const std::string detail = wp_last_error();
    return keep(detail.empty() ? wp_code_text(code) : detail);
}

Text Link::open(const Dictionary& dictionary) {
    if (client_ != 0) return keep("this link is open: close() it first");
    Settings settings;
    if (std::string wrong = settings.read(dictionary); !wrong.empty()) return keep(std::move(wrong));
    wp_client_desc desc = settings.desc();
    desc.plate_arrived = on_plate;
    desc.plate_user = this;
    wp_client opened{};
    if (std::string wrong = kept(wp_open(&desc, &opened)); !wrong.empty()) return wrong;
    plane_count_ = desc.plane_count;
    client_ = opened.id;
    return "";
}

void Link::close() {
    const wp_client closing{client_.exchange(0)};
    if (closing.id == 0) return;
    const std::lock_guard lock(picture_mutex_);
    picture_ = {};
    wp_close(closing);
    spares_ = {};
}

Text Link::resize(int64_t width, int64_t height) {
    constexpr int64_t most = WP_LIMIT_MAX_SIDE_PX;
    if (width < 1 || width > most || height < 1 || height > most)
        return keep("the size is " + std::to_string(width) + " x " + std::to_string(height) + "; it must be 1.." +
                    std::to_string(most) + " each");
    const std::lock_guard lock(picture_mutex_);
    picture_ = {};
    return kept(wp_resize(client(), static_cast<uint32_t>(width), static_cast<uint32_t>(height)));
}

int64_t Link::now_ns() { return static_cast<int64_t>(wp_now_ns()); }

Text Link::version() { return WORLDPLATE_VERSION; }

int64_t Link::begin_frame(const Doubles& camera, const Ints& ids, const Bytes& labels, const Doubles& poses,
    const Doubles& previous_poses, const Floats& velocities, const Ints& contact_ids, const Floats& contact_points,
    int64_t reset, int64_t capture_ns) {
    clock_.next_tick();
    FrameInput input;
    const FrameArrays arrays{
        camera, ids, labels, poses, previous_poses, velocities, contact_ids, contact_points, reset, capture_ns};
    if (!keep(input.read(arrays)).empty()) return 0;
    uint64_t id = 0;
    return kept(wp_begin_frame(client(), &input.frame(), &id)).empty() ? static_cast<int64_t>(id) : 0;
}

bool Link::wants_pixels() { return wp_wants_pixels(client()) != 0; }

Dictionary Link::layout() {
    std::vector<wp_plane_place> places(plane_count_);
    uint64_t bytes = 0;
    if (!kept(wp_layout(client(), places.data(), &bytes)).empty()) return Dictionary();
    return layout_report(places, bytes);
}

bool Link::submit(int64_t id, const Bytes& pixels) {
    auto* const held = new Bytes(pixels);  // Ended by release_pixels, also when the client refuses it.
    const auto bytes = static_cast<uint64_t>(held->size());
    return kept(wp_submit(client(), static_cast<uint64_t>(id), held->data(), bytes, release_pixels, held)).empty();
}

bool Link::wait(int64_t id, double timeout_ms) {
    const CallClock::Clock::time_point start = CallClock::Clock::now();
    const bool there = kept(wp_wait(client(), static_cast<uint64_t>(id), timeout_ms)).empty();
    clock_.add(start - CallClock::Clock::now());  // Waiting is what was asked for: it is not our time.
    return there;
}

Dictionary Link::present() {
    const std::lock_guard lock(picture_mutex_);
    if (!kept(wp_present(client(), &picture_)).empty()) picture_ = {};
    return picture_report(picture_);
}

bool Link::copy_plate() {
    if (!take_spare(picture_.plate_id)) {
        const uint64_t row = kPixelBytes * picture_.width;
        if (!make_room(plate_, row * picture_.height)) return false;
        const auto* from = static_cast<const uint8_t*>(picture_.plate);
        copy_rows(plate_.writable(), from, row, picture_.height, picture_.row_pitch_bytes);
    }
    return wp_plate_whole(client()) != 0;
}

bool Link::take_spare(uint64_t id) {
    const std::lock_guard lock(spares_mutex_);
    for (const Spare& spare : spares_)
        if (spare.id == id) {
            plate_ = spare.pixels;  // A reference.
            return true;
        }
    return false;
}

// On the client's worker. While it copies, nobody sees the spare that it copies to.
void Link::on_plate(void* link, uint64_t id, const void* pixels, uint32_t width, uint32_t height, uint32_t pitch) {
    auto& self = *static_cast<Link*>(link);
    const auto older = [](const Spare& a, const Spare& b) { return a.id < b.id; };
    std::unique_lock lock(self.spares_mutex_);
    Spare& oldest = *std::min_element(self.spares_.begin(), self.spares_.end(), older);
    oldest.id = 0;
    lock.unlock();
    const uint64_t row = kPixelBytes * width;
    if (!make_room(oldest.pixels, row * height)) return;  // plate_pixels copies then.
    copy_rows(oldest.pixels.writable(), static_cast<const uint8_t*>(pixels), row, height, pitch);
    lock.lock();
    oldest.id = id;
}

Bytes Link::plate_pixels() {
    const std::lock_guard lock(picture_mutex_);
    if (picture_.plate == nullptr || !copy_plate()) return Bytes();
    return plate_;
}

Bytes Link::reprojection(int64_t target, int64_t source) {
    wp_code code = WP_OK;
    Bytes buffer = carry_buffer(client(), static_cast<uint64_t>(target), static_cast<uint64_t>(source), code);
    kept(code);
    return buffer;
}

Dictionary Link::status() {
    wp_status status{};
    if (!kept(wp_get_status(client(), &status)).empty()) return Dictionary();
    return status_report(status);
}

Dictionaries Link::controls() {
    Dictionaries controls;
    auto control = std::make_unique<wp_control>();
    for (uint32_t i = 0; wp_control_at(client(), i, control.get()) == WP_OK; ++i)
        controls.append(control_report(*control));
    return controls;
}

Text Link::set_control(const Text& name, const Variant& value) {
    const std::string key = name.utf8();
    if (value.is_text()) return kept(wp_set_text(client(), key.c_str(), value.to_text().utf8().c_str()));
    if (value.is_number()) return kept(wp_set_number(client(), key.c_str(), value.to_double()));
    if (value.is(GDEXTENSION_VARIANT_TYPE_BOOL))
        return kept(wp_set_number(client(), key.c_str(), value.to_bool() ? 1.0 : 0.0));
    return keep("the value of " + key + " must be a float, an int, a bool or a String");
}

Text Link::set_engine_objects(const Ints& ids) {
    const int64_t* given = ids.data();
    std::vector<uint32_t> objects(static_cast<std::size_t>(ids.size()));
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (given[i] < 1 || given[i] > UINT32_MAX)
            return keep("ids[" + std::to_string(i) + "] is " + std::to_string(given[i]) + "; ids are 1.." +
                        std::to_string(UINT32_MAX));
        objects[i] = static_cast<uint32_t>(given[i]);
    }
    return kept(wp_set_engine_objects(client(), objects.data(), static_cast<uint32_t>(objects.size())));
}

Text Link::set_engine_labels(const Bytes& labels) {
    return kept(wp_set_engine_labels(client(), labels.data(), static_cast<uint32_t>(labels.size())));
}

Text Link::set_plate_range(double near_m, double far_m) {
    return kept(wp_set_plate_range(client(), near_m, far_m));
}

Text Link::reset_world() { return kept(wp_reset_world(client())); }

Texts Link::models() {
    Texts names;
    char name[WP_NAME_BYTES] = "";
    for (uint32_t i = 0; wp_model_at(client(), i, name) == WP_OK; ++i) names.append(name);
    return names;
}

Text Link::use_model(const Text& name) { return kept(wp_use_model(client(), name.utf8().c_str())); }

Dictionary Link::model_change() {
    wp_model_change change{};
    if (!kept(wp_get_model_change(client(), &change)).empty()) return Dictionary();
    return model_change_report(change);
}

Text Link::next_log() {
    char line[WP_TEXT_BYTES] = "";
    int level = 0;
    if (wp_next_log(client(), line, &level) != WP_OK || line[0] == '\0') return "";
    constexpr const char* kLevels = "IWE";
    return std::string(1, kLevels[std::clamp(level, 0, 2)]) + " " + line;
}

Text Link::last_error() {
    const std::lock_guard lock(error_mutex_);
    return last_error_;
}

Floats Link::call_times_us() {
    const std::vector<float> times = clock_.take();
    Floats result(static_cast<int64_t>(times.size()));
    if (float* to = result.writable()) std::copy(times.begin(), times.end(), to);
    return result;
}

void Link::bind() {
    Binding<Link>()
        .method<&Link::open>("open", "settings")
        .method<&Link::close>("close")
        .method<&Link::resize>("resize", "width", "height")
        .method<&Link::now_ns>("now_ns")
        .method<&Link::version>("version")
        .method<&Link::begin_frame>("begin_frame", "camera", "ids", "labels", "poses", "previous_poses", "velocities",
            "contact_ids", "contact_points", "reset", "capture_ns")
        .method<&Link::wants_pixels>("wants_pixels")
        .method<&Link::layout>("layout")
        .method<&Link::submit>("submit", "id", "pixels")
        .method<&Link::wait>("wait", "id", "timeout_ms")
        .method<&Link::present>("present")
        .method<&Link::plate_pixels>("plate_pixels")
        .method<&Link::reprojection>("reprojection", "target", "source")
        .method<&Link::status>("status")
        .method<&Link::controls>("controls")
        .method<&Link::set_control>("set_control", "name", "value")
        .method<&Link::set_engine_objects>("set_engine_objects", "ids")
        .method<&Link::set_engine_labels>("set_engine_labels", "labels")
        .method<&Link::set_plate_range>("set_plate_range", "near_m", "far_m")
        .method<&Link::reset_world>("reset_world")
        .method<&Link::models>("models")
        .method<&Link::use_model>("use_model", "name")
        .method<&Link::model_change>("model_change")
        .method<&Link::next_log>("next_log")
        .method<&Link::last_error>("last_error")
        .method<&Link::call_times_us>("call_times_us");
}

}  // namespace worldplate::godot

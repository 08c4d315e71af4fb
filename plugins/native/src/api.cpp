/* The ABI: handles to clients, checks of what comes in, and no exception out. */
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <unordered_map>

#include "arguments.hpp"
#include "client.hpp"
#include "utf8.hpp"

using worldplate::Client;
using worldplate::Outcome;
using worldplate::Pixels;

namespace {

struct Clients {
    std::mutex lock;
    std::unordered_map<uint32_t, std::shared_ptr<Client>> open;
    uint32_t last_id = 0;
};

Clients& clients() {
    static Clients all;
    return all;
}

thread_local char last_error[WP_TEXT_BYTES]; /* plain bytes: an object here would keep a library from being unloaded */

wp_code fail(wp_code code, const char* text) {
    std::strncpy(last_error, text, WP_TEXT_BYTES - 1);
    return code;
}

wp_code report(const Outcome& outcome) {
    return outcome.ok() ? WP_OK : fail(outcome.code, outcome.text.c_str());
}

std::shared_ptr<Client> client_of(wp_client handle) {
    Clients& all = clients();
    const std::lock_guard<std::mutex> guard(all.lock);
    const auto found = all.open.find(handle.id);
    return found != all.open.end() ? found->second : nullptr;
}

/* Runs `call(client)`, which gives an Outcome. */
template <typename Call>
wp_code with(wp_client handle, Call call) {
    try {
        const std::shared_ptr<Client> client = client_of(handle);
        if (client == nullptr) return fail(WP_NO_CLIENT, wp_code_text(WP_NO_CLIENT));
        return report(call(*client));
    } catch (const std::bad_alloc&) {
        return fail(WP_NO_MEMORY, wp_code_text(WP_NO_MEMORY));
    } catch (const std::exception& error) {
        return fail(WP_INTERNAL, error.what());
    }
}

}  // namespace

extern "C" {

const char* wp_code_text(wp_code code) {
    switch (code) {
#define WP_X(name, text) \
    case WP_##name: return text;
        WP_CODES(WP_X)
#undef WP_X
    }
    return "no such code";
}

const char* wp_last_error(void) { return last_error; }

wp_client_desc wp_client_defaults(void) {
    wp_client_desc desc;
    std::memset(&desc, 0, sizeof desc);
    desc.abi_version = WP_ABI_VERSION;
    desc.sync = WP_SYNC_MODE_FREERUN;
    desc.delay_frames = 1;
    desc.late = WP_LATE_POLICY_REPROJECT;
    desc.slot_count = 5;
    desc.frames_in_flight = 2;
    desc.frame_period_ms = 1000.0 / 60.0;
    desc.name = "worldplate native client";
    desc.engine = "";
    return desc;
}

wp_code wp_open(const wp_client_desc* desc, wp_client* client) {
    if (desc == nullptr || client == nullptr) return fail(WP_BAD_ARGUMENT, "desc or client is NULL.");
    client->id = 0;
    try {
        if (const Outcome outcome = worldplate::check(*desc); !outcome.ok()) return report(outcome);
        auto made = std::make_shared<Client>(*desc);
        Clients& all = clients();
        const std::lock_guard<std::mutex> guard(all.lock);
        client->id = ++all.last_id;
        all.open[client->id] = std::move(made);
        return WP_OK;
    } catch (const std::bad_alloc&) {
        return fail(WP_NO_MEMORY, wp_code_text(WP_NO_MEMORY));
    } catch (const std::exception& error) {
        return fail(WP_NO_RESOURCES, error.what());
    }
}

wp_code wp_close(wp_client client) {
    std::shared_ptr<Client> closed;
    {
        Clients& all = clients();
        const std::lock_guard<std::mutex> guard(all.lock);
        const auto found = all.open.find(client.id);
        if (found == all.open.end()) return fail(WP_NO_CLIENT, wp_code_text(WP_NO_CLIENT));
        closed = std::move(found->second);
        all.open.erase(found);
    }
    closed->close(); /* not left to the last reference, which a call on another thread may hold */
    return WP_OK;
}

wp_code wp_resize(wp_client client, uint32_t width, uint32_t height) {
    return with(client, [=](Client& c) {
        if (width < 1 || height < 1 || width > WP_LIMIT_MAX_SIDE_PX || height > WP_LIMIT_MAX_SIDE_PX)
            return Outcome{WP_BAD_ARGUMENT, "The size is " + std::to_string(width) + "x" + std::to_string(height) +
                                                ": use 1.." + std::to_string(WP_LIMIT_MAX_SIDE_PX) + " (`max_side_px`)."};
        return c.resize(width, height);
    });
}

uint64_t wp_now_ns(void) { return worldplate::now_ns(); }

wp_code wp_begin_frame(wp_client client, const wp_frame* frame, uint64_t* id) {
    if (frame == nullptr || id == nullptr) return fail(WP_BAD_ARGUMENT, "frame or id is NULL.");
    *id = 0;
    return with(client, [=](Client& c) {
        const Outcome outcome = worldplate::check(*frame);
        return outcome.ok() ? c.begin_frame(*frame, *id) : outcome;
    });
}

int wp_wants_pixels(wp_client client) {
    const std::shared_ptr<Client> found = client_of(client);
    return found != nullptr && found->wants_pixels() ? 1 : 0;
}

wp_code wp_layout(wp_client client, wp_plane_place* places, uint64_t* bytes) {
    if (places == nullptr || bytes == nullptr) return fail(WP_BAD_ARGUMENT, "places or bytes is NULL.");
    return with(client, [=](Client& c) {
        c.layout(places, *bytes);
        return Outcome{};
    });
}

wp_code wp_submit(wp_client client, uint64_t id, const void* pixels, uint64_t bytes, wp_release release, void* user) {
    Pixels owned(pixels, release, user);
    return with(client, [&](Client& c) { return c.submit(id, std::move(owned), bytes); });
}

wp_code wp_submit_marked(wp_client client, uint64_t id, const void* pixels, uint64_t bytes, uint32_t* released) {
    if (released == nullptr) return fail(WP_BAD_ARGUMENT, "released is NULL.");
    static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free,
                  "the mark is a plain 4-byte word of the caller");
    const auto mark = [](void* flag) { static_cast<std::atomic<uint32_t>*>(flag)->store(1, std::memory_order_release); };
    return wp_submit(client, id, pixels, bytes, mark, released);
}

wp_code wp_slot(wp_client client, uint64_t id, void** planes) {
    if (planes == nullptr) return fail(WP_BAD_ARGUMENT, "planes is NULL.");
    return with(client, [=](Client& c) { return c.slot(id, planes); });
}

wp_code wp_submit_slot(wp_client client, uint64_t id) {
    return with(client, [=](Client& c) { return c.submit_slot(id); });
}

wp_code wp_wait(wp_client client, uint64_t id, double timeout_ms) {
    if (!(timeout_ms >= 0.0 && timeout_ms <= 1e9)) return fail(WP_BAD_ARGUMENT, "timeout_ms is not within 0..1e9.");
    return with(client, [=](Client& c) { return c.wait(id, timeout_ms); });
}

wp_code wp_present(wp_client client, wp_picture* picture) {
    if (picture == nullptr) return fail(WP_BAD_ARGUMENT, "picture is NULL.");
    return with(client, [=](Client& c) {
        c.present(*picture);
        return Outcome{};
    });
}

int wp_plate_whole(wp_client client) {
    const std::shared_ptr<Client> found = client_of(client);
    return found != nullptr && found->plate_whole() ? 1 : 0;
}

wp_code wp_reprojection(wp_client client, uint64_t target_id, uint64_t source_id, wp_reprojection_data* data) {
    if (data == nullptr) return fail(WP_BAD_ARGUMENT, "data is NULL.");
    return with(client, [=](Client& c) { return c.reprojection(target_id, source_id, *data); });
}

wp_code wp_body_motions(
    wp_client client, uint64_t target_id, uint64_t source_id, wp_body_motion* motions, uint32_t* count) {
    if (count == nullptr || (motions == nullptr && *count > 0))
        return fail(WP_BAD_ARGUMENT, "motions or count is NULL.");
    return with(client, [=](Client& c) { return c.body_motions(target_id, source_id, motions, *count); });
}

wp_code wp_control_at(wp_client client, uint32_t index, wp_control* control) {
    if (control == nullptr) return fail(WP_BAD_ARGUMENT, "control is NULL.");
    return with(client, [=](Client& c) { return c.control_at(index, *control); });
}

wp_code wp_set_number(wp_client client, const char* name, double value) {
    if (name == nullptr) return fail(WP_BAD_ARGUMENT, "name is NULL.");
    return with(client, [=](Client& c) { return c.set_number(name, value); });
}

wp_code wp_set_text(wp_client client, const char* name, const char* value) {
    if (name == nullptr || value == nullptr) return fail(WP_BAD_ARGUMENT, "name or value is NULL.");
    return with(client, [=](Client& c) { return c.set_text(name, value); });
}

wp_code wp_set_engine_objects(wp_client client, const uint32_t* ids, uint32_t count) {
    if (count > 4096 || (count > 0 && ids == nullptr)) return fail(WP_BAD_ARGUMENT, "ids is NULL, or over 4096.");
    return with(client, [=](Client& c) {
        worldplate::SetControls change;
        change.engine_objects.emplace(ids, ids + count);
        return c.set_ownership(change);
    });
}

wp_code wp_set_engine_labels(wp_client client, const uint8_t* labels, uint32_t count) {
    if (count > 256 || (count > 0 && labels == nullptr)) return fail(WP_BAD_ARGUMENT, "labels is NULL, or over 256.");
    return with(client, [=](Client& c) {
        worldplate::SetControls change;
        change.engine_labels.emplace(labels, labels + count);
        return c.set_ownership(change);
    });
}

wp_code wp_set_plate_range(wp_client client, double near_m, double far_m) {
    return with(client, [=](Client& c) {
        if (!(near_m >= 0.0 && near_m <= far_m))
            return Outcome{WP_BAD_ARGUMENT, "near_m is " + std::to_string(near_m) + " and far_m " +
                                                std::to_string(far_m) + ": use 0 <= near <= far."};
        worldplate::SetControls change;
        change.plate_near_m = near_m;
        change.plate_far_m = far_m;
        return c.set_ownership(change);
    });
}

wp_code wp_reset_world(wp_client client) {
    return with(client, [](Client& c) {
        c.reset_world();
        return Outcome{};
    });
}

wp_code wp_model_at(wp_client client, uint32_t index, char name[WP_NAME_BYTES]) {
    if (name == nullptr) return fail(WP_BAD_ARGUMENT, "name is NULL.");
    name[0] = 0;
    return with(client, [=](Client& c) { return c.model_at(index, name); });
}

wp_code wp_use_model(wp_client client, const char* name) {
    if (name == nullptr) return fail(WP_BAD_ARGUMENT, "name is NULL.");
    return with(client, [=](Client& c) { return c.use_model(name); });
}

wp_code wp_get_model_change(wp_client client, wp_model_change* change) {
    if (change == nullptr) return fail(WP_BAD_ARGUMENT, "change is NULL.");
    return with(client, [=](Client& c) {
        c.model_change(*change);
        return Outcome{};
    });
}

wp_code wp_get_status(wp_client client, wp_status* status) {
    if (status == nullptr) return fail(WP_BAD_ARGUMENT, "status is NULL.");
    return with(client, [=](Client& c) {
        c.status(*status);
        return Outcome{};
    });
}

wp_code wp_next_log(wp_client client, char line[WP_TEXT_BYTES], int* level) {
    if (line == nullptr || level == nullptr) return fail(WP_BAD_ARGUMENT, "line or level is NULL.");
    line[0] = 0;
    return with(client, [=](Client& c) {
        std::string text;
        if (c.next_log(text, *level)) worldplate::put(line, WP_TEXT_BYTES, text);
        return Outcome{};
    });
}

}  // extern "C"

/* The whole client under conditions that no engine makes on purpose, for tests: each command prints what came of it.

     client_tool sockets                what wp_open says when each of its ZeroMQ sockets cannot be had
     client_tool starved FOLDER TIMES   the worker runs out of memory TIMES times while attached, and recovers
     client_tool copying FOLDER         64 frames begin while the worker copies the pixels of one
     client_tool crowd FOLDER FRAMES [inline]
                                        five threads call everything there is, and one closes it under the others

   FOLDER has the renderer's connection file. Status 0 and `done` as the last line: it all held. */
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zmq.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "engine.hpp"
#include "scarce.hpp"

namespace {

std::atomic<int> sockets_left{1 << 30}; /* until there are no more */
bool inline_only = false;
std::atomic<int> starving{0};           /* allocations of the worker that fail from now on */
thread_local bool is_worker = false;    /* it alone calls zmq_poll */

/* The library's own function of that name, which one of this program stands before. */
template <typename Function>
Function next(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    Function function;
    std::memcpy(&function, &found, sizeof function);
    return function;
}

}  // namespace

void* zmq_socket(void* context, int type) {
    static const auto real = next<void* (*)(void*, int)>("zmq_socket");
    if (sockets_left.fetch_sub(1) > 0) return real(context, type);
    errno = EMFILE;
    return nullptr;
}

int zmq_poll(zmq_pollitem_t* items, int count, long timeout_ms) {
    static const auto real = next<int (*)(zmq_pollitem_t*, int, long)>("zmq_poll");
    is_worker = true;
    return real(items, count, timeout_ms);
}

bool is_scarce() { return is_worker && starving.load() > 0 && starving.fetch_sub(1) > 0; }

namespace {

constexpr uint32_t kWidth = 64, kHeight = 36;
const wp_plane kPlanes[] = {{WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F}};

wp_client_desc described(const std::string& connection_file, uint32_t slot_count) {
    wp_client_desc desc = wp_client_defaults();
    desc.width = kWidth;
    desc.height = kHeight;
    desc.planes = kPlanes;
    desc.plane_count = 2;
    desc.slot_count = slot_count;
    desc.inline_only = inline_only;
    desc.connection_file = connection_file.c_str();
    return desc;
}

wp_client opened(const std::string& folder, uint32_t slot_count = 5) {
    const std::string file = folder + "/connection.json";
    const wp_client_desc desc = described(file, slot_count);
    wp_client client;
    must(wp_open(&desc, &client), "wp_open");
    return client;
}

uint64_t begun(wp_client client, wp_reset reset = WP_RESET_NONE) {
    static std::atomic<int> tick{0};
    const double x_m = 0.01 * ++tick;
    wp_body body{};
    body.id = 7;
    body.world_from_body = body.previous_world_from_body = pose_at(-x_m);
    wp_frame frame{};
    frame.camera = {pose_at(x_m), pose_at(x_m), {1, 0, 0, 0, 0, 1.7, 0, 0, 0, 0, -1.002, -0.2, 0, 0, -1, 0},
                    {0, 0}, 0.1, 100.0, 0, 0, 0, 0};
    frame.bodies = &body;
    frame.body_count = 1;
    frame.reset = reset;
    uint64_t id = 0;
    must(wp_begin_frame(client, &frame, &id), "wp_begin_frame");
    return id;
}

std::atomic<int> handed_over{0}, released{0};

/* Pixels that free themselves. */
wp_code submit(wp_client client, uint64_t id, uint64_t bytes) {
    ++handed_over;
    auto* pixels = new std::vector<uint8_t>(bytes, 0);
    return wp_submit(client, id, pixels->data(), bytes, [](void* user) {
        delete static_cast<std::vector<uint8_t>*>(user);
        ++released;
    }, pixels);
}

uint64_t pixel_bytes(wp_client client) {
    wp_plane_place places[2];
    uint64_t bytes = 0;
    must(wp_layout(client, places, &bytes), "wp_layout");
    return bytes;
}

void print_log(wp_client client) {
    char line[WP_TEXT_BYTES];
    int level = 0;
    while (wp_next_log(client, line, &level) == WP_OK && line[0] != 0) std::printf("log %d %s\n", level, line);
}

int sockets() {
    for (int there = 0; there < 2; ++there) {
        const std::string file = "/nonexistent";
        const wp_client_desc desc = described(file, 5);
        wp_client client;
        sockets_left = there;
        const wp_code code = wp_open(&desc, &client);
        std::printf("%d %u %s\n", static_cast<int>(code == WP_NO_RESOURCES), client.id, wp_last_error());
    }
    return 0;
}

int starved(const std::string& folder, int times) {
    const wp_client client = opened(folder);
    until(client, WP_LINK_ATTACHED);
    const uint64_t bytes = pixel_bytes(client);
    while (state_of(client) == WP_LINK_ATTACHED) {
        starving = times;
        submit(client, begun(client), bytes);
        sleep_ms(2);
    }
    starving = 0;
    until(client, WP_LINK_ATTACHED);
    print_log(client);
    const uint64_t id = begun(client);
    must(submit(client, id, bytes), "wp_submit");
    must(wp_wait(client, id, 10000.0), "wp_wait");
    must(wp_close(client), "wp_close");
    return handed_over == released ? 0 : 1;
}

int reached[2], go_on[2]; /* pipes: the worker reads the pixels; it may */
void* shut = nullptr;     /* pixels that cannot be read yet */
size_t shut_bytes = 0;

void on_fault(int) {
    char byte = 0;
    if (write(reached[1], &byte, 1) != 1 || read(go_on[0], &byte, 1) != 1) std::_Exit(2);
    mprotect(shut, shut_bytes, PROT_READ);
}

const char* slot_code(wp_client client, uint64_t id) {
    void* planes[2];
    const wp_code code = wp_slot(client, id, planes);
    return code == WP_OK ? "OK" : code == WP_NO_SLOT ? "NO_SLOT" : "another";
}

int copying(const std::string& folder) {
    const wp_client client = opened(folder, 3);
    until(client, WP_LINK_ATTACHED);
    shut_bytes = (pixel_bytes(client) + 4095) / 4096 * 4096;
    shut = mmap(nullptr, shut_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pipe(reached) != 0 || pipe(go_on) != 0) return 2;
    std::signal(SIGSEGV, on_fault);
    const uint64_t first = begun(client);
    must(wp_submit(client, first, shut, pixel_bytes(client), [](void*) { ++released; }, nullptr), "wp_submit");
    char byte = 0;
    if (read(reached[0], &byte, 1) != 1) return 2;
    uint64_t last = 0;
    for (int frame = 0; frame < WP_HISTORY_FRAMES; ++frame) last = begun(client);
    for (uint64_t id = last - 2; id <= last; ++id) std::printf("%s ", slot_code(client, id));
    if (write(go_on[1], &byte, 1) != 1) return 2;
    while (released == 0) sleep_ms(1);
    sleep_ms(20);
    std::printf("%s\n", slot_code(client, last));
    must(wp_close(client), "wp_close");
    return 0;
}

/* One tick of an engine, in every way that pixels can go. */
void tick(wp_client client, int number) {
    if (number % 97 == 96) must(wp_resize(client, kWidth - static_cast<uint32_t>(number % 5), kHeight), "wp_resize");
    const uint64_t id = begun(client, number % 61 == 60 ? WP_RESET_CUT : WP_RESET_NONE);
    void* planes[2];
    if (number % 5 == 4 || wp_wants_pixels(client) != 0) {
        if (number % 3 != 0)
            submit(client, id, pixel_bytes(client));
        else if (wp_slot(client, id, planes) == WP_OK && number % 2 == 0) {
            if (planes[0] != nullptr) std::memset(planes[0], number, 64);
            wp_submit_slot(client, id);
        }
    }
    wp_picture picture;
    must(wp_present(client, &picture), "wp_present");
    unsigned sum = 0;
    for (uint32_t row = 0; row < picture.height; ++row)
        sum += static_cast<const uint8_t*>(picture.plate)[row * picture.row_pitch_bytes];
    static std::atomic<unsigned> seen{0};
    seen += sum;
    if (picture.plate_id == 0 || wp_plate_whole(client) == 0) return;
    wp_reprojection_data data;
    wp_body_motion motions[4];
    uint32_t count = 4;
    wp_reprojection(client, picture.target_id, picture.plate_id, &data);
    wp_body_motions(client, picture.target_id, picture.plate_id, motions, &count);
}

void steer(wp_client client, const std::atomic<bool>& over) {
    static const uint32_t ids[] = {7, 8};
    static const uint8_t labels[] = {1, 2};
    wp_control control;
    char line[WP_TEXT_BYTES];
    int level = 0;
    for (uint32_t round = 0; !over; ++round) {
        wp_set_engine_objects(client, ids, round % 3);
        wp_set_engine_labels(client, labels, round % 3);
        wp_set_plate_range(client, 0.0, 10.0 + round % 7);
        wp_set_number(client, "exposure", round % 2);
        wp_control_at(client, 0, &control);
        wp_model_change change;
        char model[WP_NAME_BYTES];
        wp_model_at(client, 0, model);
        wp_get_model_change(client, &change);
        if (round % 50 == 25) wp_use_model(client, "another");
        wp_next_log(client, line, &level);
        if (round % 50 == 49) wp_reset_world(client);
        state_of(client);
        sleep_ms(1);
    }
}

int crowd(const std::string& folder, int frames) {
    const wp_client client = opened(folder);
    std::atomic<bool> over{false};
    std::atomic<uint64_t> newest{0};
    std::atomic<wp_code> last_wait{WP_OK};
    std::thread steering([&] { steer(client, over); });
    std::thread waiting([&] {
        for (wp_code code = WP_OK; code != WP_NO_CLIENT; last_wait = code) {
            code = wp_wait(client, newest, 1000.0);
            if (code != WP_OK) sleep_ms(1);
        }
    });
    std::thread neighbour([&] {
        while (!over) {
            const wp_client other = opened(folder);
            submit(other, begun(other), 100);
            sleep_ms(5);
            must(wp_close(other), "wp_close");
        }
    });
    std::thread submitting([&] {
        while (!over) {
            submit(client, newest, pixel_bytes(client)); /* mostly refused: it is begun, and perhaps submitted */
            sleep_ms(3);
        }
    });
    until(client, WP_LINK_ATTACHED);
    wp_status status{};
    for (int number = 0; number < frames; ++number) {
        tick(client, number);
        status = status_of(client);
        newest = status.begun;
        sleep_ms(2);
    }
    over = true;
    for (std::thread* each : {&steering, &neighbour, &submitting}) each->join();
    must(wp_close(client), "wp_close");
    waiting.join();
    std::printf("begun %llu submitted %llu answered %llu\n", static_cast<unsigned long long>(status.begun),
                static_cast<unsigned long long>(status.submitted), static_cast<unsigned long long>(status.answered));
    return last_wait == WP_NO_CLIENT && handed_over == released ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    const std::string command = count > 1 ? words[1] : "";
    const std::string folder = count > 2 ? words[2] : "";
    const int number = count > 3 ? std::atoi(words[3]) : 0;
    int status = 2;
    inline_only = count > 4 && std::string(words[4]) == "inline";
    if (command == "sockets") status = sockets();
    if (command == "starved") status = starved(folder, number);
    if (command == "copying") status = copying(folder);
    if (command == "crowd") status = crowd(folder, number);
    if (status == 0) std::printf("done\n");
    return status;
}

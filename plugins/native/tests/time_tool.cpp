/* What the client costs the engine's thread, for benchmarks/native_calls.py.

     time_tool FOLDER WIDTH HEIGHT FRAMES submit|slot

   A line for each of FRAMES ticks of 1/60 s with a plate: nanoseconds inside the begin, submit, present, plate and reproject
   calls. FOLDER has the renderer's connection file. */
#include <cstring>
#include <vector>

#include "engine.hpp"

namespace {

/* What an engine with 50 bodies and six planes asks of the caller's thread in a tick. */
struct Ticker {
    static constexpr wp_plane planes[] = {
        {WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F},
        {WP_PLANE_NAME_NORMAL, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_MOTION, WP_PIXEL_FORMAT_RG16F},
        {WP_PLANE_NAME_OBJECT, WP_PIXEL_FORMAT_R32UI}, {WP_PLANE_NAME_LABEL, WP_PIXEL_FORMAT_R8UI}};
    static constexpr uint32_t body_count = 50;

    wp_client client{};
    std::vector<uint8_t> pixels[4]; /* more than frames in flight: none is still read when it is taken again */
    std::vector<wp_body> bodies;
    std::vector<wp_body_motion> motions{body_count};
    uint64_t spent_ns[5]{};

    template <typename Call>
    auto timed(int what, Call call) {
        const uint64_t start_ns = wp_now_ns();
        const auto result = call();
        spent_ns[what] += wp_now_ns() - start_ns;
        return result;
    }

    void open(const std::string& folder, uint32_t width, uint32_t height) {
        const std::string file = folder + "/connection.json";
        wp_client_desc desc = wp_client_defaults();
        desc.connection_file = file.c_str();
        desc.width = width;
        desc.height = height;
        desc.planes = planes;
        desc.plane_count = 6;
        must(wp_open(&desc, &client), "wp_open");
        wp_plane_place places[6];
        uint64_t bytes = 0;
        must(wp_layout(client, places, &bytes), "wp_layout");
        for (auto& each : pixels) each.assign(bytes, 0);
        for (uint32_t id = 1; id <= body_count; ++id) {
            wp_body body{};
            body.id = id;
            body.world_from_body = body.previous_world_from_body = pose_at(0.1 * id);
            bodies.push_back(body);
        }
        until(client, WP_LINK_ATTACHED);
    }

    void send(uint64_t id, bool in_place) {
        void* places[6];
        if (!timed(1, [&] { return wp_wants_pixels(client); })) return;
        if (!in_place) {
            const auto& own = pixels[id % 4];
            timed(1, [&] { return wp_submit(client, id, own.data(), own.size(), nullptr, nullptr); });
        } else if (timed(1, [&] { return wp_slot(client, id, places); }) == WP_OK) {
            timed(1, [&] { return wp_submit_slot(client, id); });
        }
    }

    /* Whether a plate was shown. */
    bool tick(int number, bool in_place) {
        std::memset(spent_ns, 0, sizeof spent_ns);
        wp_frame frame{};
        frame.camera = {pose_at(0.001 * number), pose_at(0.001 * number - 0.001),
                        {1, 0, 0, 0, 0, 1.7, 0, 0, 0, 0, -1.002, -0.2, 0, 0, -1, 0}, {0, 0}, 0.1, 100.0, 0, 0, 0, 0};
        frame.bodies = bodies.data();
        frame.body_count = body_count;
        uint64_t id = 0;
        must(timed(0, [&] { return wp_begin_frame(client, &frame, &id); }), "wp_begin_frame");
        send(id, in_place);
        wp_picture picture;
        must(timed(2, [&] { return wp_present(client, &picture); }), "wp_present");
        if (picture.plate_id == 0) return false;
        timed(3, [&] { return wp_plate_whole(client); });
        wp_reprojection_data data;
        uint32_t count = body_count;
        timed(4, [&] { return wp_reprojection(client, picture.target_id, picture.plate_id, &data); });
        timed(4, [&] { return wp_body_motions(client, picture.target_id, picture.plate_id, motions.data(), &count); });
        return true;
    }
};

int time_calls(const std::string& folder, uint32_t width, uint32_t height, int frames, bool in_place) {
    Ticker ticker;
    ticker.open(folder, width, height);
    auto next = std::chrono::steady_clock::now();
    for (int number = 0, plates = 0; plates < frames && number < 10 * frames; ++number) {
        if (ticker.tick(number, in_place)) {
            for (const uint64_t ns : ticker.spent_ns) std::printf("%llu ", static_cast<unsigned long long>(ns));
            std::printf("\n");
            ++plates;
        }
        next += std::chrono::microseconds(16667);
        std::this_thread::sleep_until(next);
    }
    must(wp_close(ticker.client), "wp_close");
    return 0;
}

}  // namespace

int main(int count, char** words) {
    if (count != 6) return 2;
    return time_calls(words[1], static_cast<uint32_t>(std::atoi(words[2])), static_cast<uint32_t>(std::atoi(words[3])),
                      std::atoi(words[4]), std::string(words[5]) == "slot");
}

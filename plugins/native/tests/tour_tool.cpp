/* An engine's day with a real renderer, which gives the engine's colour back as its plate. What it prints is the same on
   every system, but for the transport.

     tour_tool FOLDER WIDTH HEIGHT FRAMES

   FOLDER has the renderer's connection file. After `renderer, please go` it waits until that is gone, and then for
   another. Status 0 and `done` as the last line: it all held. */
#include <cstring>
#include <vector>

#include "engine.hpp"

namespace {

const wp_plane kPlanes[] = {{WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F}};

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

struct Tour {
    wp_client client{};
    uint32_t width = 0, height = 0;
    uint32_t noise = 1; /* state of the generator of half floats */
    uint64_t released = 0, handed_over = 0;

    void open(const std::string& folder) {
        const std::string file = folder + "/connection.json";
        wp_client_desc desc = wp_client_defaults();
        desc.connection_file = file.c_str();
        desc.width = width;
        desc.height = height;
        desc.planes = kPlanes;
        desc.plane_count = 2;
        must(wp_open(&desc, &client), "wp_open");
    }

    uint64_t begun() const {
        wp_frame frame{};
        frame.camera = {pose_at(0.0), pose_at(0.0), {1, 0, 0, 0, 0, 1.7, 0, 0, 0, 0, -1.002, -0.2, 0, 0, -1, 0},
                        {0, 0}, 0.1, 100.0, 0, 0, 0, 0};
        uint64_t id = 0;
        must(wp_begin_frame(client, &frame, &id), "wp_begin_frame");
        return id;
    }

    /* Any finite half float from 0 to 1, its alpha 1. */
    std::vector<uint16_t> color() {
        std::vector<uint16_t> values(size_t{4} * width * height, 0x3c00);
        for (size_t at = 0; at < values.size(); ++at) {
            noise = noise * 1664525U + 1013904223U;
            if (at % 4 != 3) values[at] = static_cast<uint16_t>((noise >> 16) % 0x3c00);
        }
        return values;
    }

    std::vector<uint8_t> pixels(const std::vector<uint16_t>& color) const {
        wp_plane_place places[2];
        uint64_t bytes = 0;
        must(wp_layout(client, places, &bytes), "wp_layout");
        std::vector<uint8_t> all(bytes, 0);
        std::memcpy(all.data() + places[0].offset_bytes, color.data(), 2 * color.size());
        const std::vector<float> depth(size_t{width} * height, 5.0F);
        std::memcpy(all.data() + places[1].offset_bytes, depth.data(), sizeof(float) * depth.size());
        return all;
    }

    /* The frame's own plate is shown, and has these bytes. */
    void expect(uint64_t id, const std::vector<uint16_t>& color) const {
        must(wp_wait(client, id, 20000.0), "wp_wait");
        wp_picture picture;
        must(wp_present(client, &picture), "wp_present");
        if (picture.plate_id != id || picture.disposition != WP_DISPOSITION_GENERATED) fail("another frame's plate");
        if (picture.width != width || picture.height != height) fail("a plate of another size");
        for (uint32_t row = 0; row < height; ++row) {
            const auto* plate = static_cast<const uint8_t*>(picture.plate) + size_t{row} * picture.row_pitch_bytes;
            if (std::memcmp(plate, color.data() + size_t{4} * width * row, size_t{8} * width) != 0)
                fail("row " + std::to_string(row) + " of frame " + std::to_string(id) + " has changed on its way");
        }
        if (wp_plate_whole(client) != 1) fail("the plate was overwritten");
    }

    void submit() {
        const std::vector<uint16_t> values = color();
        const std::vector<uint8_t> all = pixels(values);
        const uint64_t id = begun();
        ++handed_over;
        must(wp_submit(client, id, all.data(), all.size(), [](void* count) { ++*static_cast<uint64_t*>(count); }, &released),
             "wp_submit");
        expect(id, values);
        if (released != handed_over) fail("the pixels were not released");
    }

    void write_in_place() {
        const std::vector<uint16_t> values = color();
        const uint64_t id = begun();
        void* planes[2];
        must(wp_slot(client, id, planes), "wp_slot");
        std::memcpy(planes[0], values.data(), 2 * values.size());
        if (planes[1] != nullptr) std::memset(planes[1], 0, size_t{4} * width * height);
        must(wp_submit_slot(client, id), "wp_submit_slot");
        expect(id, values);
    }

    void resize(uint32_t to_width, uint32_t to_height) {
        const uint32_t sessions = status_of(client).session_count;
        must(wp_resize(client, width = to_width, height = to_height), "wp_resize");
        while (status_of(client).session_count == sessions) sleep_ms(2);
        submit();
        say("resized to " + std::to_string(width) + "x" + std::to_string(height));
    }

    /* Ticks that wait for nothing: each is in the books once, and its age is told. */
    void hurry(int ticks) {
        const wp_status before = status_of(client);
        for (int tick = 0; tick < ticks; ++tick) {
            const std::vector<uint8_t> all = pixels(color());
            const uint64_t id = begun();
            uint32_t done = 0;
            const bool wanted = wp_wants_pixels(client) != 0;
            if (wanted) must(wp_submit_marked(client, id, all.data(), all.size(), &done), "wp_submit_marked");
            wp_picture picture;
            must(wp_present(client, &picture), "wp_present");
            if (picture.plate_id != 0 && !(picture.age_ms >= 0.0 && picture.age_ms < 60000.0)) fail("a frame has no age");
            while (wanted && *static_cast<volatile uint32_t*>(&done) == 0) sleep_ms(1);
        }
        const wp_status after = status_of(client);
        uint64_t booked = 0;
        for (int at = 0; at < WP_DISPOSITION_COUNT; ++at) booked += after.dispositions[at] - before.dispositions[at];
        say("in a hurry " + std::to_string(after.begun - before.begun) + " ticks, " + std::to_string(booked) + " in the books");
    }

    void refuse() const {
        const wp_code code = wp_set_number(client, "warp", 1.0);
        say(std::string("control: ") + wp_code_text(code));
        uint64_t id = 0;
        wp_frame frame{};
        must(wp_begin_frame(client, &frame, &id) == WP_BAD_ARGUMENT ? WP_OK : WP_INTERNAL, "wp_begin_frame of nothing");
        say(std::string("frame: ") + wp_last_error());
    }
};

int tour(const std::string& folder, uint32_t width, uint32_t height, int frames) {
    Tour tour;
    tour.width = width;
    tour.height = height;
    tour.open(folder);
    until(tour.client, WP_LINK_ATTACHED);
    const wp_status status = status_of(tour.client);
    say(std::string("attached to ") + status.model);
    say("transport " + std::to_string(static_cast<int>(status.transport)));
    for (int number = 0; number < frames; ++number) tour.submit();
    tour.write_in_place();
    say(std::to_string(frames + 1) + " plates to the bit");
    tour.hurry(60);
    tour.resize(33, 17);
    tour.refuse();
    say("renderer, please go");
    while (state_of(tour.client) == WP_LINK_ATTACHED || state_of(tour.client) == WP_LINK_STALLED) sleep_ms(2);
    say("it is gone");
    until(tour.client, WP_LINK_ATTACHED);
    tour.submit();
    say("there is another");
    must(wp_close(tour.client), "wp_close");
    return 0;
}

}  // namespace

int main(int count, char** words) {
    if (count != 5) return 2;
    const int status = tour(words[1], static_cast<uint32_t>(std::atoi(words[2])),
                            static_cast<uint32_t>(std::atoi(words[3])), std::atoi(words[4]));
    if (status == 0) say("done");
    return status;
}

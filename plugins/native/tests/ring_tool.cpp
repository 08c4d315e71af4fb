/* The engine's side of a ring, for tests: one command a line on standard input, one answer a line.

     ring_tool WIDTH HEIGHT SLOTS    first answer: the PLANES message, in hexadecimal
       frame ID, tear ID             the slot that was filled (and committed or not), or `full`
       plate SLOT ID                 the plate's bytes in hexadecimal, `torn` or `none`
       whole                         whether that plate has stayed the same
       release SLOT                  `ok`, or `no` when it was not taken
       beat
       race FRAMES                   overwrites slots and reads plates without asking; `WHOLE MIXED` plates
     ring_tool find PATH             `ENDPOINT TOKEN PID` of a connection file, or why not */
#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "connection_file.hpp"
#include "ring.hpp"
#include "wire.hpp"

using namespace worldplate;

namespace {

std::string hexadecimal(const uint8_t* bytes, size_t size) {
    std::string text;
    for (size_t at = 0; at < size; ++at) {
        text += "0123456789abcdef"[bytes[at] >> 4];
        text += "0123456789abcdef"[bytes[at] & 15];
    }
    return text;
}

std::vector<PlaneLayout> input_layouts(int64_t width, int64_t height) {
    std::vector<PlaneLayout> layouts = {tight_layout(WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F, width, height),
                                        tight_layout(WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F, width, height),
                                        tight_layout(WP_PLANE_NAME_LABEL, WP_PIXEL_FORMAT_R8UI, width, height)};
    layouts[1].row_pitch_bytes += 12; /* rows with a gap */
    return layouts;
}

struct Tool {
    std::unique_ptr<Ring> ring;
    std::vector<PlaneLayout> inputs;
    int64_t plate_slot = 0, plate_id = 0;

    /* Every byte tells its frame, plane and place. */
    void fill(int64_t slot, int64_t id) const {
        for (size_t plane = 0; plane < inputs.size(); ++plane) {
            const PlaneLayout& layout = inputs[plane];
            const int64_t row_bytes = layout.width * bytes_per_pixel(layout.format);
            for (int64_t at = 0; at < row_bytes * layout.height; ++at)
                ring->input(slot, plane)[at / row_bytes * layout.row_pitch_bytes + at % row_bytes] =
                    static_cast<uint8_t>(id * 31 + static_cast<int64_t>(plane) * 17 + at * 7);
        }
    }

    std::string frame(int64_t id, bool whole) {
        const auto slot = ring->begin(id);
        if (!slot) return "full";
        fill(*slot, id);
        if (whole) ring->commit(*slot);
        return std::to_string(*slot);
    }

    std::string plate(int64_t slot, int64_t id) {
        const uint8_t* bytes = ring->plate(slot, id);
        if (bytes == nullptr) return "none";
        plate_slot = slot;
        plate_id = id;
        const auto text = hexadecimal(bytes, static_cast<size_t>(plane_bytes(ring->plate_layout())));
        return ring->plate_whole(slot, id) ? text : "torn";
    }

    /* Every byte of a plate is its frame's id modulo 251: one of another value is from another frame. */
    bool is_mixed(const std::vector<uint8_t>& plate, int64_t id) const {
        for (const uint8_t byte : plate)
            if (byte != static_cast<uint8_t>(id % 251)) return true;
        return false;
    }

    std::string race(int64_t frames) {
        std::vector<uint8_t> copy(static_cast<size_t>(plane_bytes(ring->plate_layout())));
        int64_t whole = 0, mixed = 0;
        for (int64_t id = 1; id <= frames; ++id) {
            const auto slot = ring->begin(id);
            for (size_t plane = 0; plane < inputs.size(); ++plane)
                std::fill_n(ring->input(*slot, plane), plane_bytes(inputs[plane]), static_cast<uint8_t>(id % 251));
            ring->commit(*slot);
            const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(id * 7919 % 400);
            do {
                const uint8_t* plate = ring->plate(*slot, id);
                if (plate == nullptr) continue;
                std::copy_n(plate, copy.size(), copy.begin());
                if (!ring->plate_whole(*slot, id)) continue;
                ++whole;
                mixed += is_mixed(copy, id);
            } while (std::chrono::steady_clock::now() < until);
            ring->release(*slot);
        }
        return std::to_string(whole) + " " + std::to_string(mixed);
    }

    std::string answer(const std::string& command) {
        int64_t first = 0, second = 0;
        if (command == "beat") return std::to_string(ring->beat_ns());
        if (command == "whole") return ring->plate_whole(plate_slot, plate_id) ? "yes" : "no";
        std::cin >> first;
        if (command == "frame" || command == "tear") return frame(first, command == "frame");
        if (command == "race") return race(first);
        if (command == "release") return ring->release(first) ? "ok" : "no";
        std::cin >> second;
        return plate(first, second);
    }
};

int find(const char* path) {
    const auto found = find_connection(path);
    if (const auto* why = std::get_if<std::string>(&found)) {
        std::cout << *why << '\n';
        return 1;
    }
    const auto& connection = std::get<Connection>(found);
    std::cout << connection.endpoint << ' ' << connection.token << ' ' << connection.pid << '\n';
    return 0;
}

}  // namespace

int main(int count, char** words) {
    if (count == 3 && std::string(words[1]) == "find") return find(words[2]);
    if (count != 4) return 2;
    const int64_t width = std::stoll(words[1]), height = std::stoll(words[2]);
    Outcome outcome;
    Tool tool;
    tool.inputs = input_layouts(width, height);
    tool.ring = Ring::create(tool.inputs, {tight_layout(WP_PLANE_NAME_PLATE, WP_PIXEL_FORMAT_RGBA16F, width, height)},
                             std::stoll(words[3]), 7, outcome);
    if (tool.ring == nullptr) {
        std::cerr << outcome.text << '\n';
        return 1;
    }
    const auto message = encode(tool.ring->message(std::string(32, 'a')));
    std::cout << hexadecimal(message.data(), message.size()) << std::endl;
    for (std::string command; std::cin >> command;) std::cout << tool.answer(command) << std::endl;
    return 0;
}

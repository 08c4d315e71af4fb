/* What the tests need of Windows beside the client itself.

     windows_tool map [NAME] [BYTES]    the renderer's side of a ring, for tests; first line of standard input: the PLANES
                                        message in hexadecimal, of which NAME and BYTES stand in for others. First answer:
                                        `mapped`, or why not. Then one command a line, one answer a line:
       input SLOT ID PLANE              the plane's bytes in hexadecimal, rows without gaps, or `torn`
       plate SLOT ID VALUE              fills the plate with a byte and commits it: `ok`
       begin SLOT ID VALUE              the same, and stops in the middle: `ok`
       beat NS                          `ok`
     windows_tool access                the same first line: who may do what with the segment, as SDDL
     windows_tool user                  this user, as SDDL has him
     windows_tool find                  first line of standard input: a path, UTF-8; `ENDPOINT TOKEN PID`, or why not
     windows_tool place                 the path of the connection file, UTF-8
     windows_tool handles FOLDER TIMES  handles of this process before and after so many clients and rings */
#include "windows_api.hpp"
#include <aclapi.h>
#include <sddl.h>

#include <atomic>
#include <cstring>
#include <iostream>

#include "connection_file.hpp"
#include "engine.hpp"
#include "ring.hpp"
#include "system.hpp"
#include "wire.hpp"

using namespace worldplate;

namespace {

Planes read_message() {
    std::string text;
    std::getline(std::cin, text);
    std::vector<uint8_t> bytes;
    for (size_t at = 0; at + 1 < text.size(); at += 2)
        bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(at, 2), nullptr, 16)));
    return std::get<Planes>(std::get<Message>(decode(bytes.data(), bytes.size(), Limits{})));
}

Handle open_mapping(const std::string& name) {
    return Handle(OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE | READ_CONTROL, FALSE, (L"Local\\" + wide(name)).c_str()));
}

/* Maps a ring as a renderer does: no more than was announced, and only when the header says the same. */
struct Reader {
    Planes planes;
    uint8_t* memory = nullptr; /* until the process ends */

    std::string attach() {
        const Handle mapping = open_mapping(planes.segment); /* closed again: the view alone keeps the memory */
        if (mapping == nullptr) return "not opened: error " + std::to_string(GetLastError());
        const auto bytes = static_cast<size_t>(planes.segment_bytes);
        memory = static_cast<uint8_t*>(MapViewOfFile(mapping.get(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, bytes));
        if (memory == nullptr) return "not mapped: error " + std::to_string(GetLastError());
        wp_ring_header header;
        std::memcpy(&header, memory, sizeof header);
        if (header.magic != WP_RING_MAGIC || header.segment_bytes != bytes) return "not the ring that was announced";
        return "mapped";
    }

    uint8_t* slot_header(int64_t slot) const {
        return memory + WP_RING_HEADER_BYTES + slot * (WP_RING_SLOT_HEADER_BYTES + planes.slot_bytes);
    }

    std::atomic<uint64_t>& word(int64_t slot, size_t offset) const {
        return *reinterpret_cast<std::atomic<uint64_t>*>(slot_header(slot) + offset);
    }

    std::string input(int64_t slot, uint64_t id, size_t plane) const {
        const auto& sequence = word(slot, offsetof(wp_ring_slot, input_sequence));
        const uint64_t seen = sequence.load(std::memory_order_acquire);
        if ((seen & 1) != 0 || word(slot, offsetof(wp_ring_slot, input_frame_id)).load() != id) return "torn";
        const PlaneLayout& layout = planes.planes[plane];
        const uint8_t* row = slot_header(slot) + WP_RING_SLOT_HEADER_BYTES + layout.offset_bytes;
        std::string text;
        for (int64_t y = 0; y < layout.height; ++y, row += layout.row_pitch_bytes)
            for (int64_t at = 0; at < layout.width * bytes_per_pixel(layout.format); ++at) {
                text += "0123456789abcdef"[row[at] >> 4];
                text += "0123456789abcdef"[row[at] & 15];
            }
        return sequence.load(std::memory_order_acquire) == seen ? text : "torn";
    }

    std::string plate(int64_t slot, uint64_t id, uint8_t value, bool whole) const {
        auto& sequence = word(slot, offsetof(wp_ring_slot, plate_sequence));
        const uint64_t odd = (sequence.load() + 1) | 1; /* and new, also after a torn plate */
        sequence.store(odd);
        word(slot, offsetof(wp_ring_slot, plate_frame_id)).store(id);
        const PlaneLayout& layout = planes.outputs.front();
        const auto bytes = static_cast<size_t>(plane_bytes(layout));
        std::memset(slot_header(slot) + WP_RING_SLOT_HEADER_BYTES + layout.offset_bytes, value, whole ? bytes : bytes / 2);
        if (whole) sequence.store(odd + 1, std::memory_order_release);
        return "ok";
    }

    std::string answer(const std::string& command) const {
        int64_t first = 0, slot = 0, id = 0, last = 0;
        std::cin >> first;
        if (command == "beat") {
            auto* beat_ns = memory + offsetof(wp_ring_header, beat_ns);
            reinterpret_cast<std::atomic<uint64_t>*>(beat_ns)->store(static_cast<uint64_t>(first));
            return "ok";
        }
        slot = first;
        std::cin >> id >> last;
        if (command == "input") return input(slot, static_cast<uint64_t>(id), static_cast<size_t>(last));
        return plate(slot, static_cast<uint64_t>(id), static_cast<uint8_t>(last), command == "plate");
    }
};

int map(int count, char** words) {
    Reader reader;
    reader.planes = read_message();
    if (count > 2) reader.planes.segment = words[2];
    if (count > 3) reader.planes.segment_bytes = std::stoll(words[3]);
    const std::string attached = reader.attach();
    std::cout << attached << std::endl;
    if (attached != "mapped") return 1;
    for (std::string command; std::cin >> command;) std::cout << reader.answer(command) << std::endl;
    return 0;
}

int show_access() {
    const Handle mapping = open_mapping(read_message().segment);
    PSECURITY_DESCRIPTOR found = nullptr;
    if (mapping == nullptr || GetSecurityInfo(mapping.get(), SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr,
                                              nullptr, nullptr, &found) != ERROR_SUCCESS)
        return 1;
    const Local<void> descriptor(found);
    wchar_t* text = nullptr;
    if (ConvertSecurityDescriptorToStringSecurityDescriptorW(found, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, &text,
                                                             nullptr) == 0)
        return 1;
    const Local<wchar_t> kept(text);
    std::cout << narrow(text) << std::endl;
    return 0;
}

int show_user() {
    std::vector<uint8_t> sid = user_sid();
    wchar_t* text = nullptr;
    if (sid.empty() || ConvertSidToStringSidW(sid.data(), &text) == 0) return 1;
    const Local<wchar_t> kept(text);
    std::cout << narrow(text) << std::endl;
    return 0;
}

int find() {
    std::string path;
    std::getline(std::cin, path);
    if (!path.empty() && path.back() == '\r') path.pop_back();
    const auto found = find_connection(path);
    if (const auto* why = std::get_if<std::string>(&found))
        std::cout << *why << std::endl;
    else
        std::cout << std::get<Connection>(found).endpoint << ' ' << std::get<Connection>(found).token << ' '
                  << std::get<Connection>(found).pid << std::endl;
    return 0;
}

DWORD handle_count() {
    DWORD count = 0;
    GetProcessHandleCount(GetCurrentProcess(), &count);
    return count;
}

void open_and_close(const std::string& file) {
    const wp_plane planes[] = {{WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F}};
    wp_client_desc desc = wp_client_defaults();
    desc.width = desc.height = 16;
    desc.planes = planes;
    desc.plane_count = 1;
    desc.connection_file = file.c_str();
    wp_client client;
    must(wp_open(&desc, &client), "wp_open");
    until(client, WP_LINK_ATTACHED);
    must(wp_close(client), "wp_close");
    Outcome outcome;
    const auto ring = Ring::create({tight_layout(WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F, 16, 16)},
                                   {tight_layout(WP_PLANE_NAME_PLATE, WP_PIXEL_FORMAT_RGBA16F, 16, 16)}, 3, 1, outcome);
    if (ring == nullptr) fail(outcome.text);
}

int count_handles(const std::string& folder, int times) {
    open_and_close(folder + "/connection.json"); /* what is opened once in a process */
    const DWORD before = handle_count();
    for (int time = 0; time < times; ++time) open_and_close(folder + "/connection.json");
    std::cout << before << ' ' << handle_count() << std::endl;
    return 0;
}

}  // namespace

int main(int count, char** words) {
    const std::string command = count > 1 ? words[1] : "";
    if (command == "map") return map(count, words);
    if (command == "access") return show_access();
    if (command == "user") return show_user();
    if (command == "find") return find();
    if (command == "place") std::cout << default_connection_file() << std::endl;
    if (command == "handles" && count == 4) return count_handles(words[2], std::atoi(words[3]));
    return command == "place" ? 0 : 2;
}

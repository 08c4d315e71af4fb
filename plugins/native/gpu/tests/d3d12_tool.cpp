/* Both sides of a hand-over on Windows, each a process of its own. One command a line, one answer a line.

     d3d12_tool engine             an engine: the exporter, on a device of d3d12_stand_in
       hand PID SESSION GENERATION   to the renderer of that process: `handed`, or why not
       forge PID                     a packet that names handles that are closed: `handed`, or why not
       call PID                      opens the pipe of that process and says nothing: `called`, or why not
       hang up                       `ok`
       write AT HEX                  into the buffer: `ok`
       read AT COUNT                 out of it, in hexadecimal
       ready VALUE                   signals it: `ok`
       done VALUE                    `yes` or `no`, or what is wrong
       wait VALUE MS                 `whole` or `freed`, or what is wrong
       remove                        the device: `ok`
     d3d12_tool show CONNECTION FRAMES   an engine with a renderer: it fills the colour of frame N with bytes of N. A line for
                                   each frame: the first byte of its plate; why there is none is the last line
     d3d12_tool door [PID]         the renderer's side: what its door does, call by call. First answer: its process. PID: the
                                   pipe is that of another process
       take                          one hand-over: the packet in hexadecimal, or why it is refused
       write AT HEX, read AT COUNT   of the memory, as above
       ready                         its value
       done VALUE                    signals it: `ok` */
#include "windows_api.hpp"

#include <cstring>
#include <iostream>
#include <stdexcept>

#include "d3d12_show.hpp"
#include "d3d12_stand_in.hpp"
#include "exporter_d3d12.hpp"
#include "handles_windows.hpp"
#include "planes.hpp"

using namespace worldplate;
using namespace worldplate::gpu;

namespace {

constexpr DWORD kPatienceMs = 2000;
constexpr uint32_t kSlots = 3;

std::string hex_of(const uint8_t* bytes, size_t count) {
    std::string text;
    for (size_t at = 0; at < count; ++at) text += {"0123456789abcdef"[bytes[at] >> 4], "0123456789abcdef"[bytes[at] & 15]};
    return text;
}

/* `write AT HEX` and `read AT COUNT`. */
std::string touch(const std::string& command, uint8_t* memory) {
    size_t at = 0;
    std::string text;
    std::cin >> at >> text;
    if (command == "read") return hex_of(memory + at, std::stoul(text));
    for (size_t byte = 0; byte < text.size() / 2; ++byte)
        memory[at + byte] = static_cast<uint8_t>(std::stoi(text.substr(2 * byte, 2), nullptr, 16));
    return "ok";
}

template <typename T>
T read_word() {
    T value{};
    std::cin >> value;
    return value;
}

[[noreturn]] void fail(const char* call) {
    throw std::runtime_error(std::string(call) + ": Windows error " + std::to_string(GetLastError()));
}

/* ---- the engine ------------------------------------------------------------------------------------------------- */

Welcome agreed() {
    Welcome welcome;
    welcome.planes = {tight_layout(WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F, 33, 17),
                      tight_layout(WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F, 33, 17)};
    welcome.outputs = {tight_layout(WP_PLANE_NAME_PLATE, WP_PIXEL_FORMAT_RGBA16F, 33, 17)};
    return welcome;
}

Handle forge(uint32_t pid, ID3D12Device& device, const Slots& slots) {
    constexpr uint64_t closed = 0x7ffffff0; /* so many handles are never open */
    wp_handles own{};
    own.kind = WP_HANDLE_KIND_D3D12_HEAP;
    own.memory_bytes = slots.count * slots.slot_bytes;
    own.semaphores = 2;
    own.token_0 = own.token_1 = own.token_2 = closed;
    return send_to_pipe(pid, packet_of(own, slots, device_of(device), std::string(32, '0'), 1));
}

struct Engine {
    const ComPtr<ID3D12Device> device = stand_in_device();
    D3d12Exporter exporter{*device.Get(), slots_of(agreed(), kD3d12Alignment, kSlots)};
    Handle pipe;

    std::string answer(const std::string& command) {
        if (command == "write" || command == "read") return touch(command, memory_of(exporter.buffer.Get()));
        if (command == "hand" || command == "forge" || command == "call") return reach(command, read_word<uint32_t>());
        if (command == "hang") pipe.reset(), read_word<std::string>();
        if (command == "remove") remove_device(device.Get());
        if (command == "ready") exporter.ready->Signal(read_word<uint64_t>());
        if (command == "done") return exporter.is_done(read_word<uint64_t>()) ? "yes" : "no";
        if (command == "wait") {
            const auto value = read_word<uint64_t>(), patience_ms = read_word<uint64_t>();
            return exporter.wait_or_free(value, patience_ms * 1'000'000) ? "whole" : "freed";
        }
        return "ok";
    }

    std::string reach(const std::string& command, uint32_t pid) {
        if (command == "call") {
            WaitNamedPipeW(pipe_of(pid).c_str(), kPatienceMs);
            HANDLE opened = CreateFileW(pipe_of(pid).c_str(), GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr);
            if (opened == INVALID_HANDLE_VALUE) fail("CreateFile");
            pipe.reset(opened);
            return "called";
        }
        if (command == "forge") {
            pipe = forge(pid, *device.Get(), exporter.slots);
            return "handed";
        }
        const auto session = read_word<std::string>();
        exporter.hand_over(pid, session, read_word<uint64_t>());
        return "handed";
    }
};

/* A whole show, with the loop of d3d12_show. */
int show(const std::string& connection_file, int64_t frames) {
    const ComPtr<ID3D12Device> device = stand_in_device();
    Session session(connection_file);
    Hello hello;
    hello.client = "d3d12_tool";
    hello.pid = static_cast<int64_t>(GetCurrentProcessId());
    hello.width = 33;
    hello.height = 17;
    hello.planes = {{WP_PLANE_NAME_COLOR, {WP_PIXEL_FORMAT_RGBA16F}}, {WP_PLANE_NAME_DEPTH, {WP_PIXEL_FORMAT_R32F}}};
    hello.transports = {WP_TRANSPORT_CUDA, WP_TRANSPORT_INLINE};
    hello.device = device_of(*device.Get());
    const Welcome welcome = session.greet(hello);
    D3d12Show loop(session, welcome, *device.Get(), *stand_in_queue());
    uint8_t* memory = memory_of(loop.exporter.buffer.Get());
    const Slots& slots = loop.exporter.slots;
    for (int64_t id = 1; id <= frames; ++id) {
        const uint32_t slot = D3d12Show::slot_of(id);
        const auto bytes = static_cast<size_t>(plane_bytes(slots.plane(WP_PLANE_NAME_COLOR)));
        Frame frame;
        frame.id = id;
        frame.camera.projection = {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, -1.002, -0.2002, 0, 0, -1, 0};
        const Answer answer = loop.render(frame, stand_in_list([&] {
            std::memset(memory + slots.offset(slot, WP_PLANE_NAME_COLOR), static_cast<int>(id), bytes);
        }));
        uint8_t seen = 0;
        const auto look = [&] { seen = memory[slots.offset(slot, WP_PLANE_NAME_PLATE)]; };
        const bool has_plate = answer.result && loop.show(*answer.result, stand_in_list(look));
        std::cout << (has_plate ? hex_of(&seen, 1) : answer.moved_to + ": " + answer.why_not) << std::endl;
        if (!has_plate) break;
    }
    session.say(Bye{welcome.session, "the engine ends"});
    return 0;
}

/* ---- the renderer's side ---------------------------------------------------------------------------------------- */

/* Waits for what was begun with `pending`; how many bytes it was of, or nothing when it takes too long or fails. */
bool ended(HANDLE pipe, OVERLAPPED& pending, DWORD patience_ms, DWORD& bytes) {
    if (GetOverlappedResultEx(pipe, &pending, &bytes, patience_ms, FALSE) != 0) return true;
    const DWORD error = GetLastError();
    CancelIoEx(pipe, &pending);
    GetOverlappedResult(pipe, &pending, &bytes, TRUE);
    SetLastError(error);
    return false;
}

struct Door {
    Handle pipe, event{CreateEventW(nullptr, TRUE, FALSE, nullptr)}, taken[3];
    void *memory = nullptr, *ready = nullptr, *done = nullptr; /* until the process ends */

    explicit Door(uint32_t pid) {
        const Local<void> descriptor = for_this_user_alone();
        if (descriptor == nullptr) fail("for_this_user_alone");
        SECURITY_ATTRIBUTES attributes{sizeof attributes, descriptor.get(), FALSE};
        constexpr DWORD way = PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_OVERLAPPED;
        constexpr DWORD kind = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
        HANDLE made = CreateNamedPipeW(pipe_of(pid).c_str(), way, kind, 1, 0, WP_HANDLES_BYTES, 0, &attributes);
        if (made == INVALID_HANDLE_VALUE) fail("CreateNamedPipe");
        pipe.reset(made);
    }

    void connect() {
        OVERLAPPED pending{};
        pending.hEvent = event.get();
        DWORD bytes = 0, error = ConnectNamedPipe(pipe.get(), &pending) != 0 ? 0 : GetLastError();
        if (error == 0 || error == ERROR_PIPE_CONNECTED || error == ERROR_NO_DATA) return; /* he may have written and gone */
        if (error != ERROR_IO_PENDING || !ended(pipe.get(), pending, INFINITE, bytes)) fail("ConnectNamedPipe");
    }

    Packet receive() {
        Packet packet{};
        OVERLAPPED pending{};
        pending.hEvent = event.get();
        DWORD bytes = 0;
        const bool begun = ReadFile(pipe.get(), packet.data(), WP_HANDLES_BYTES, nullptr, &pending) != 0 ||
                           GetLastError() == ERROR_IO_PENDING;
        if (!begun || !ended(pipe.get(), pending, kPatienceMs, bytes)) fail("ReadFile");
        if (bytes != packet.size()) throw std::runtime_error("the packet has " + std::to_string(bytes) + " bytes");
        return packet;
    }

    /* The engine's process as the kernel knows it, when it is of this user. */
    Handle engine() const {
        ULONG pid = 0;
        if (GetNamedPipeClientProcessId(pipe.get(), &pid) == 0) fail("GetNamedPipeClientProcessId");
        Handle process(OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid));
        if (process == nullptr) fail("OpenProcess");
        std::vector<uint8_t> its = user_sid(process.get()), own = user_sid();
        if (its.empty() || own.empty() || EqualSid(its.data(), own.data()) == 0) throw std::runtime_error("another user");
        return process;
    }

    void pull(HANDLE engine, const Packet& packet) {
        wp_handles head{};
        std::memcpy(&head, packet.data(), sizeof head);
        const uint64_t tokens[] = {head.token_0, head.token_1, head.token_2};
        void** views[] = {&memory, &ready, &done};
        for (size_t at = 0; at < 3; ++at) {
            HANDLE own = nullptr;
            if (DuplicateHandle(engine, reinterpret_cast<HANDLE>(tokens[at]), GetCurrentProcess(), &own, 0, FALSE,
                                DUPLICATE_SAME_ACCESS) == 0)
                fail("DuplicateHandle");
            taken[at].reset(own);
            *views[at] = MapViewOfFile(own, FILE_MAP_ALL_ACCESS, 0, 0, 0);
            if (*views[at] == nullptr) fail("MapViewOfFile");
        }
    }

    std::string take() {
        connect();
        try {
            const Handle process = engine();
            const Packet packet = receive();
            pull(process.get(), packet);
            DisconnectNamedPipe(pipe.get());
            return hex_of(packet.data(), packet.size());
        } catch (const std::runtime_error&) {
            DisconnectNamedPipe(pipe.get());
            throw;
        }
    }

    std::string answer(const std::string& command) {
        if (command == "take") return take();
        if (command == "ready") return std::to_string(*static_cast<uint64_t*>(ready));
        if (command == "done") *static_cast<uint64_t*>(done) = read_word<uint64_t>();
        return command == "done" ? "ok" : touch(command, static_cast<uint8_t*>(memory));
    }
};

template <typename Side>
int serve(Side& side) {
    for (std::string command; std::cin >> command;) {
        try {
            std::cout << side.answer(command) << std::endl;
        } catch (const std::exception& error) {
            std::cout << error.what() << std::endl;
        }
    }
    return 0;
}

}  // namespace

int main(int count, char** words) {
    const std::string side = count > 1 ? words[1] : "";
    if (side == "engine") {
        Engine engine;
        return serve(engine);
    }
    try {
        if (side == "show" && count == 4) return show(words[2], std::stoll(words[3]));
        if (side != "door") return 2;
        Door door(count > 2 ? static_cast<uint32_t>(std::stoul(words[2])) : GetCurrentProcessId());
        std::cout << GetCurrentProcessId() << std::endl;
        return serve(door);
    } catch (const std::exception& error) {
        std::cout << error.what() << std::endl;
        return 1;
    }
}

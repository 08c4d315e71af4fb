#ifdef _WIN32
#include "handles_windows.hpp"

#include <stdexcept>

namespace worldplate::gpu {
namespace {

/* For a pipe that serves another engine, and for the packet to be taken: longer than the 2 s after which the renderer
   drops who says nothing. */
constexpr DWORD kPatienceMs = 3000;

[[noreturn]] void refuse(uint32_t renderer_pid, const std::string& why) {
    throw std::runtime_error("nobody takes GPU buffers at " + narrow(pipe_of(renderer_pid)) + ": " + why);
}

std::string last_error(const char* call) { return std::string(call) + ": Windows error " + std::to_string(GetLastError()); }

/* Who serves the pipe may ask who this is, and not act as this user (SECURITY_IDENTIFICATION): anybody can make a pipe of a
   name that is free. */
Handle open_pipe(uint32_t renderer_pid) {
    const std::wstring name = pipe_of(renderer_pid);
    constexpr DWORD flags = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | FILE_FLAG_OVERLAPPED;
    const ULONGLONG until_ms = GetTickCount64() + kPatienceMs;
    for (;;) {
        HANDLE opened = CreateFileW(name.c_str(), GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, flags, nullptr);
        if (opened != INVALID_HANDLE_VALUE) return Handle(opened);
        const DWORD error = GetLastError();
        const ULONGLONG now_ms = GetTickCount64();
        if (error != ERROR_PIPE_BUSY || now_ms >= until_ms) refuse(renderer_pid, last_error("CreateFile"));
        WaitNamedPipeW(name.c_str(), static_cast<DWORD>(until_ms - now_ms)); /* another engine may be faster even then */
    }
}

void check_server(HANDLE pipe, uint32_t renderer_pid) {
    ULONG server = 0;
    if (GetNamedPipeServerProcessId(pipe, &server) == 0)
        refuse(renderer_pid, last_error("GetNamedPipeServerProcessId"));
    if (server != renderer_pid) refuse(renderer_pid, "process " + std::to_string(server) + " serves it");
}

/* One write is one message: the pipe is of that type. */
void write(HANDLE pipe, uint32_t renderer_pid, const Packet& packet) {
    const Handle whole(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    if (whole == nullptr) refuse(renderer_pid, last_error("CreateEvent"));
    OVERLAPPED pending{};
    pending.hEvent = whole.get();
    const auto bytes = static_cast<DWORD>(packet.size());
    if (WriteFile(pipe, packet.data(), bytes, nullptr, &pending) == 0 && GetLastError() != ERROR_IO_PENDING)
        refuse(renderer_pid, last_error("WriteFile"));
    DWORD written = 0;
    if (GetOverlappedResultEx(pipe, &pending, &written, kPatienceMs, FALSE) == 0) {
        const std::string why = last_error("WriteFile");
        CancelIoEx(pipe, &pending);
        GetOverlappedResult(pipe, &pending, &written, TRUE); /* until then Windows has `pending` and `packet` */
        refuse(renderer_pid, why);
    }
    if (written != bytes) refuse(renderer_pid, std::to_string(written) + " bytes of the packet were taken");
}

}  // namespace

std::wstring pipe_of(uint32_t renderer_pid) {
    return L"\\\\.\\pipe\\worldplate-handles-" + std::to_wstring(renderer_pid);
}

Handle send_to_pipe(uint32_t renderer_pid, const Packet& packet) {
    Handle pipe = open_pipe(renderer_pid);
    check_server(pipe.get(), renderer_pid);
    write(pipe.get(), renderer_pid, packet);
    return pipe;
}

}  // namespace worldplate::gpu
#endif

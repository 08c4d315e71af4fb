/* A mapping of the paging file, named in the session's own namespace: `Local\` and the name of PLANES. */
#ifdef _WIN32
#include "segment.hpp"

#include "windows_api.hpp"

namespace worldplate {
namespace {

Outcome no_memory(size_t bytes, DWORD error) {
    return {WP_NO_MEMORY, "No shared memory of " + std::to_string(bytes) + " bytes (Windows error " + std::to_string(error) +
                              "): make the paging file larger, use a smaller picture or fewer slots, or `inline_only`."};
}

/* Unmaps its view. */
struct UnmapOf {
    void operator()(void* memory) const { UnmapViewOfFile(memory); }
};
using View = std::unique_ptr<void, UnmapOf>;

/* Owns the handle of the mapping, which keeps the name, and the view of it. The reader has a handle and a view of his own:
   the memory goes with the last of them, also when its process was killed. */
class Mapping final : public Segment {
public:
    Mapping(std::string name, Handle handle, View view, size_t bytes)
        : Segment(std::move(name), static_cast<uint8_t*>(view.get()), bytes), handle_(std::move(handle)), view_(std::move(view)) {}

private:
    Handle handle_;
    View view_;
};

/* Faults every page in: thousands of page faults would otherwise fall on the first frames. */
void touch(const volatile uint8_t* memory, size_t bytes) {
    constexpr size_t page_bytes = 4096;
    for (size_t at = 0; at < bytes; at += page_bytes) static_cast<void>(memory[at]);
}

}  // namespace

bool has_segments() { return true; }

std::unique_ptr<Segment> Segment::create(size_t bytes, Outcome& outcome) {
    const Local<void> descriptor = for_this_user_alone();
    SECURITY_ATTRIBUTES attributes{sizeof attributes, descriptor.get(), FALSE};
    const std::string name = random_name();
    const std::wstring object = L"Local\\" + wide(name);
    const auto high = static_cast<DWORD>(static_cast<uint64_t>(bytes) >> 32), low = static_cast<DWORD>(bytes);
    Handle handle;
    if (descriptor != nullptr) /* else it would be open to more than this user */
        handle.reset(CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE, high, low,
                                        object.c_str()));
    DWORD error = GetLastError();
    if (handle != nullptr && error == ERROR_ALREADY_EXISTS) handle.reset(); /* somebody else's */
    View view;
    if (handle != nullptr) {
        view.reset(MapViewOfFile(handle.get(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, bytes));
        error = GetLastError();
    }
    if (view == nullptr) {
        outcome = no_memory(bytes, error);
        return nullptr;
    }
    touch(static_cast<const uint8_t*>(view.get()), bytes);
    outcome = {};
    return std::make_unique<Mapping>(name, std::move(handle), std::move(view), bytes);
}

}  // namespace worldplate
#endif

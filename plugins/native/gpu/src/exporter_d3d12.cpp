#ifdef _WIN32
#include "exporter_d3d12.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "handles_windows.hpp"

#if defined(__MINGW32__) && !defined(WIDL_EXPLICIT_AGGREGATE_RETURNS)
#error "mingw-w64 returns structures in another way than Direct3D does, unless WIDL_EXPLICIT_AGGREGATE_RETURNS is defined"
#endif

namespace worldplate::gpu {
namespace {

constexpr uint64_t kRemoved = UINT64_MAX; /* the value of every fence of a device that was removed */

std::string named(const char* call, HRESULT result) {
    char text[80];
    std::snprintf(text, sizeof text, "%s failed with HRESULT 0x%08lx", call, static_cast<unsigned long>(result));
    return text;
}

uint64_t token_of(const Handle& handle) { return reinterpret_cast<uintptr_t>(handle.get()); }

}  // namespace

void check(HRESULT result, const char* call) {
    if (FAILED(result)) throw std::runtime_error(named(call, result));
}

std::string device_of(ID3D12Device& device) {
    const LUID luid = device.GetAdapterLuid();
    uint8_t bytes[8];
    static_assert(sizeof luid == sizeof bytes);
    std::memcpy(bytes, &luid, sizeof bytes);
    std::string digits;
    for (const uint8_t byte : bytes) digits += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    return digits;
}

D3d12Exporter::D3d12Exporter(ID3D12Device& device, Slots wanted) : slots(std::move(wanted)), device_(&device) {
    allocate();
    ready = fence();
    done = fence();
    memory_handle_ = shared(heap_.Get());
    ready_handle_ = shared(ready.Get());
    done_handle_ = shared(done.Get());
}

void D3d12Exporter::allocate() {
    const uint64_t bytes = slots.count * slots.slot_bytes;
    D3D12_HEAP_DESC heap{};
    heap.SizeInBytes = memory_bytes_ = aligned_to(bytes, D3D12_DEFAULT_RESOURCE_PLACEMENT_ALIGNMENT);
    heap.Properties.Type = D3D12_HEAP_TYPE_DEFAULT;
    heap.Alignment = D3D12_DEFAULT_RESOURCE_PLACEMENT_ALIGNMENT;
    heap.Flags = D3D12_HEAP_FLAG_SHARED | D3D12_HEAP_FLAG_ALLOW_ONLY_BUFFERS; /* the latter: every GPU has such heaps */
    check(device_->CreateHeap(&heap, IID_PPV_ARGS(heap_.GetAddressOf())), "ID3D12Device::CreateHeap");
    D3D12_RESOURCE_DESC whole{};
    whole.Dimension = D3D12_RESOURCE_DIMENSION_BUFFER;
    whole.Width = bytes;
    whole.Height = whole.DepthOrArraySize = whole.MipLevels = 1;
    whole.SampleDesc.Count = 1;
    whole.Layout = D3D12_TEXTURE_LAYOUT_ROW_MAJOR;
    whole.Flags = D3D12_RESOURCE_FLAG_ALLOW_UNORDERED_ACCESS;
    check(device_->CreatePlacedResource(heap_.Get(), 0, &whole, D3D12_RESOURCE_STATE_COMMON, nullptr,
                                        IID_PPV_ARGS(buffer.GetAddressOf())),
          "ID3D12Device::CreatePlacedResource");
}

ComPtr<ID3D12Fence> D3d12Exporter::fence() const {
    ComPtr<ID3D12Fence> made;
    check(device_->CreateFence(0, D3D12_FENCE_FLAG_SHARED, IID_PPV_ARGS(made.GetAddressOf())), "ID3D12Device::CreateFence");
    return made;
}

/* Without a name: nobody finds the object who is not given it. */
Handle D3d12Exporter::shared(ID3D12DeviceChild* object) const {
    HANDLE made = nullptr;
    check(device_->CreateSharedHandle(object, nullptr, GENERIC_ALL, nullptr, &made), "ID3D12Device::CreateSharedHandle");
    return Handle(made);
}

void D3d12Exporter::hand_over(uint32_t renderer_pid, const std::string& session, uint64_t generation) {
    wp_handles own{};
    own.kind = WP_HANDLE_KIND_D3D12_HEAP;
    own.memory_bytes = memory_bytes_;
    own.semaphores = 2;
    own.token_0 = token_of(memory_handle_);
    own.token_1 = token_of(ready_handle_);
    own.token_2 = token_of(done_handle_);
    pipe_ = send_to_pipe(renderer_pid, packet_of(own, slots, device_of(*device_.Get()), session, generation));
}

bool D3d12Exporter::is_done(uint64_t value) const {
    const uint64_t reached = done->GetCompletedValue();
    if (reached == kRemoved) throw std::runtime_error(named("the D3D12 device", device_->GetDeviceRemovedReason()));
    return reached >= value;
}

bool D3d12Exporter::wait_or_free(uint64_t value, uint64_t patience_ns) const {
    const Handle reached(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    if (reached == nullptr) throw std::runtime_error("CreateEvent: Windows error " + std::to_string(GetLastError()));
    check(done->SetEventOnCompletion(value, reached.get()), "ID3D12Fence::SetEventOnCompletion");
    const uint64_t patience_ms = std::min<uint64_t>(patience_ns / 1'000'000, INFINITE - 1);
    const DWORD outcome = WaitForSingleObject(reached.get(), static_cast<DWORD>(patience_ms));
    if (outcome == WAIT_OBJECT_0) return is_done(value);
    if (outcome != WAIT_TIMEOUT)
        throw std::runtime_error("WaitForSingleObject: Windows error " + std::to_string(GetLastError()));
    check(done->Signal(value), "ID3D12Fence::Signal"); /* which sets the event, while there is one */
    return false;
}

}  // namespace worldplate::gpu
#endif

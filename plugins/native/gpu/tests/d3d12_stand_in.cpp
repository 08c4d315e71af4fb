/* Tables of C functions, so that only those have to be there that an exporter calls; another one ends the process. */
#define CINTERFACE
#include "windows_api.hpp"
#include <d3d12.h>

#include <atomic>
#include <thread>
#include <utility>

#include "d3d12_stand_in.hpp"

namespace worldplate::gpu {
namespace {

/* What all of them have: the table first, then who holds it. */
template <typename Interface, typename Table>
struct Object {
    Table* table;
    std::atomic<ULONG> references{1};

    static Object* of(Interface* self) { return reinterpret_cast<Object*>(self); }
    static ULONG STDMETHODCALLTYPE add(Interface* self) { return ++of(self)->references; }
    Interface* out() { return reinterpret_cast<Interface*>(this); }
};

template <typename T, typename Interface>
ULONG STDMETHODCALLTYPE let_go(Interface* self) {
    auto* object = reinterpret_cast<T*>(self);
    const ULONG left = --object->references;
    if (left == 0) delete object;
    return left;
}

struct Device : Object<ID3D12Device, ID3D12DeviceVtbl> {
    std::atomic<bool> removed{false};
};

ULONG STDMETHODCALLTYPE keep_device(ID3D12Device* self) { return --Device::of(self)->references; }

/* A file mapping, seen here. */
struct Memory {
    explicit Memory(uint64_t bytes)
        : handle(CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, static_cast<DWORD>(bytes >> 32),
                                    static_cast<DWORD>(bytes), nullptr)),
          view(MapViewOfFile(handle.get(), FILE_MAP_ALL_ACCESS, 0, 0, 0)) {}
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { UnmapViewOfFile(view); }
    Handle handle;
    void* view;
};

struct Heap : Object<ID3D12Heap, ID3D12HeapVtbl> {
    explicit Heap(uint64_t bytes) : memory(bytes), size(bytes) {}
    Memory memory;
    uint64_t size;
};

struct Resource : Object<ID3D12Resource, ID3D12ResourceVtbl> {
    explicit Resource(ID3D12Heap* in) : heap(in) { heap->lpVtbl->AddRef(heap); }
    ~Resource() { heap->lpVtbl->Release(heap); }
    Resource(const Resource&) = delete;
    Resource& operator=(const Resource&) = delete;
    ID3D12Heap* heap;
};

struct Fence : Object<ID3D12Fence, ID3D12FenceVtbl> {
    explicit Fence(Device* made_by) : memory(sizeof(uint64_t)), device(made_by) {}
    std::atomic<uint64_t>& value() { return *static_cast<std::atomic<uint64_t>*>(memory.view); }
    Memory memory;
    Device* device;
};

UINT64 STDMETHODCALLTYPE completed(ID3D12Fence* self) {
    auto* fence = reinterpret_cast<Fence*>(self);
    return fence->device->removed ? UINT64_MAX : fence->value().load();
}

HRESULT STDMETHODCALLTYPE signal(ID3D12Fence* self, UINT64 value) {
    reinterpret_cast<Fence*>(self)->value() = value;
    return S_OK;
}

/* The other process writes the value and wakes nobody, so a thread looks. */
HRESULT STDMETHODCALLTYPE set_event(ID3D12Fence* self, UINT64 value, HANDLE event) {
    HANDLE own = nullptr;
    if (DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(), &own, 0, FALSE, DUPLICATE_SAME_ACCESS) == 0)
        return E_INVALIDARG;
    self->lpVtbl->AddRef(self);
    std::thread([self, value, kept = Handle(own)] {
        while (completed(self) < value) Sleep(1);
        SetEvent(kept.get());
        self->lpVtbl->Release(self);
    }).detach();
    return S_OK;
}

ID3D12HeapVtbl heap_table{};
ID3D12ResourceVtbl resource_table{};
ID3D12FenceVtbl fence_table{};
ID3D12DeviceVtbl device_table{};

template <typename T, typename Table>
HRESULT give(T* made, Table& table, void** out) {
    made->table = &table;
    *out = made;
    return S_OK;
}

HRESULT STDMETHODCALLTYPE create_heap(ID3D12Device*, const D3D12_HEAP_DESC* wanted, REFIID, void** out) {
    const bool is_fit = wanted->Properties.Type == D3D12_HEAP_TYPE_DEFAULT && wanted->SizeInBytes > 0 &&
                        wanted->Alignment == D3D12_DEFAULT_RESOURCE_PLACEMENT_ALIGNMENT &&
                        wanted->SizeInBytes % wanted->Alignment == 0 &&
                        wanted->Flags == (D3D12_HEAP_FLAG_SHARED | D3D12_HEAP_FLAG_ALLOW_ONLY_BUFFERS);
    return is_fit ? give(new Heap(wanted->SizeInBytes), heap_table, out) : E_INVALIDARG;
}

HRESULT STDMETHODCALLTYPE create_placed(
    ID3D12Device*, ID3D12Heap* heap, UINT64 at, const D3D12_RESOURCE_DESC* wanted, D3D12_RESOURCE_STATES state,
    const D3D12_CLEAR_VALUE* clear, REFIID, void** out) {
    const bool is_buffer = wanted->Dimension == D3D12_RESOURCE_DIMENSION_BUFFER && wanted->Format == DXGI_FORMAT_UNKNOWN &&
                           wanted->Layout == D3D12_TEXTURE_LAYOUT_ROW_MAJOR && wanted->Height == 1 &&
                           wanted->DepthOrArraySize == 1 && wanted->MipLevels == 1 && wanted->SampleDesc.Count == 1 &&
                           wanted->SampleDesc.Quality == 0;
    const bool is_fit = is_buffer && at == 0 && state == D3D12_RESOURCE_STATE_COMMON && clear == nullptr &&
                        wanted->Width <= reinterpret_cast<Heap*>(heap)->size;
    return is_fit ? give(new Resource(heap), resource_table, out) : E_INVALIDARG;
}

HRESULT STDMETHODCALLTYPE create_fence(ID3D12Device* self, UINT64, D3D12_FENCE_FLAGS flags, REFIID, void** out) {
    if (flags != D3D12_FENCE_FLAG_SHARED) return E_INVALIDARG;
    return give(new Fence(reinterpret_cast<Device*>(self)), fence_table, out);
}

HRESULT STDMETHODCALLTYPE create_shared(
    ID3D12Device*, ID3D12DeviceChild* object, const SECURITY_ATTRIBUTES*, DWORD access, const WCHAR*, HANDLE* out) {
    const void* table = object->lpVtbl;
    const Memory* memory = table == &heap_table    ? &reinterpret_cast<Heap*>(object)->memory
                           : table == &fence_table ? &reinterpret_cast<Fence*>(object)->memory
                                                   : nullptr;
    if (memory == nullptr || access != GENERIC_ALL) return E_INVALIDARG;
    const HANDLE self = GetCurrentProcess();
    return DuplicateHandle(self, memory->handle.get(), self, out, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0 ? S_OK : E_FAIL;
}

LUID* STDMETHODCALLTYPE luid(ID3D12Device*, LUID* out) {
    *out = {0x04030201, 0x08070605};
    return out;
}

HRESULT STDMETHODCALLTYPE why_removed(ID3D12Device* self) {
    return reinterpret_cast<Device*>(self)->removed ? DXGI_ERROR_DEVICE_REMOVED : S_OK;
}

struct Queue : Object<ID3D12CommandQueue, ID3D12CommandQueueVtbl> {};

struct List : Object<ID3D12CommandList, ID3D12CommandListVtbl> {
    std::function<void()> commands;
};

ID3D12CommandQueueVtbl queue_table{};

void STDMETHODCALLTYPE execute(ID3D12CommandQueue*, UINT count, ID3D12CommandList* const* lists) {
    for (UINT at = 0; at < count; ++at) reinterpret_cast<List*>(lists[at])->commands();
}

HRESULT STDMETHODCALLTYPE signal_in_turn(ID3D12CommandQueue*, ID3D12Fence* fence, UINT64 value) {
    return signal(fence, value);
}

HRESULT STDMETHODCALLTYPE wait_in_turn(ID3D12CommandQueue*, ID3D12Fence* fence, UINT64 value) {
    while (completed(fence) < value) Sleep(1);
    return S_OK;
}

}  // namespace

ID3D12CommandQueue* stand_in_queue() {
    queue_table.ExecuteCommandLists = execute;
    queue_table.Signal = signal_in_turn;
    queue_table.Wait = wait_in_turn;
    static Queue only;
    only.table = &queue_table;
    return only.out();
}

ID3D12CommandList* stand_in_list(std::function<void()> commands) {
    static List only;
    only.commands = std::move(commands);
    return only.out();
}

ID3D12Device* stand_in_device() {
    heap_table.AddRef = Heap::add;
    heap_table.Release = let_go<Heap>;
    resource_table.AddRef = Resource::add;
    resource_table.Release = let_go<Resource>;
    fence_table.AddRef = Fence::add;
    fence_table.Release = let_go<Fence>;
    fence_table.GetCompletedValue = completed;
    fence_table.Signal = signal;
    fence_table.SetEventOnCompletion = set_event;
    device_table.AddRef = Device::add;
    device_table.Release = keep_device;
    device_table.CreateHeap = create_heap;
    device_table.CreatePlacedResource = create_placed;
    device_table.CreateFence = create_fence;
    device_table.CreateSharedHandle = create_shared;
    device_table.GetAdapterLuid = luid;
    device_table.GetDeviceRemovedReason = why_removed;
    static Device only;
    only.table = &device_table;
    return only.out();
}

uint8_t* memory_of(ID3D12Resource* buffer) {
    ID3D12Heap* heap = reinterpret_cast<Resource*>(buffer)->heap;
    return static_cast<uint8_t*>(reinterpret_cast<Heap*>(heap)->memory.view);
}

void remove_device(ID3D12Device* device) { reinterpret_cast<Device*>(device)->removed = true; }

}  // namespace worldplate::gpu

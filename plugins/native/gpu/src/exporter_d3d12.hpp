/* The exporter of a D3D12 engine: a buffer and two fences that the renderer reads and writes in place, on one GPU.

   The memory is a heap of its own, and the heap is what is shared: its size is the one asked for here, which is what CUDA
   wants to know, and the buffer lies at its beginning. Of a committed resource that size would be the driver's, and a buffer
   that is placed in a heap cannot be shared itself. Planes begin, and their rows lie, as CopyTextureRegion wants them, so
   that an engine may copy its textures into a slot and the plate out of one, or write and read the buffer in shaders.

   A buffer needs no barrier before or after the renderer has used it: between two calls of ExecuteCommandLists it decays to
   D3D12_RESOURCE_STATE_COMMON. Queues order the use: Signal `ready` when the planes of a frame are submitted, Wait for
   `done` before the plate is read.

   Not run on Windows or with CUDA yet: under Wine, with a device that tests/d3d12_stand_in.cpp makes up. */
#pragma once

#ifdef _WIN32
#include "windows_api.hpp"
#include <d3d12.h>
#include <wrl/client.h>

#include <cstdint>
#include <string>

#include "slots.hpp"

namespace worldplate::gpu {

using Microsoft::WRL::ComPtr;

/* Throws std::runtime_error that names the call. */
void check(HRESULT result, const char* call);

/* The GPU as HELLO's `device` names it: the 8 bytes of its LUID, as they lie in memory, in hexadecimal digits. */
std::string device_of(ID3D12Device& device);

/* What CopyTextureRegion wants of a buffer. */
constexpr Alignment kD3d12Alignment = {D3D12_TEXTURE_DATA_PLACEMENT_ALIGNMENT, D3D12_TEXTURE_DATA_PITCH_ALIGNMENT};

/* Owns the heap, the buffer, the fences and their handles, and keeps the device. The queues must be idle when it is
   destroyed; what the renderer has imported lives on there until it lets go. */
class D3d12Exporter {
public:
    /* Throws std::runtime_error that names the call. */
    D3d12Exporter(ID3D12Device& device, Slots slots);
    D3d12Exporter(const D3d12Exporter&) = delete;
    D3d12Exporter& operator=(const D3d12Exporter&) = delete;

    /* Sends the packet to the renderer, whose process the connection file names; PLANES_ACK answers on the link. Throws
       std::runtime_error when nobody listens. */
    void hand_over(uint32_t renderer_pid, const std::string& session, uint64_t generation);

    /* Whether the plate is whole, without waiting. Throws std::runtime_error when the device was removed. */
    bool is_done(uint64_t value) const;

    /* Waits for so long until the plate is whole. When it does not become so, the renderer is gone: then the value is
       reached from here, so that what waits for it on the GPU goes on, and the fence is of no more use. Whether the plate
       is whole. Throws as is_done does. */
    bool wait_or_free(uint64_t value, uint64_t patience_ns) const;

    const Slots slots;
    ComPtr<ID3D12Resource> buffer;
    ComPtr<ID3D12Fence> ready, done;

private:
    void allocate();
    ComPtr<ID3D12Fence> fence() const;
    Handle shared(ID3D12DeviceChild* object) const;

    const ComPtr<ID3D12Device> device_;
    ComPtr<ID3D12Heap> heap_;
    uint64_t memory_bytes_ = 0;
    Handle memory_handle_, ready_handle_, done_handle_; /* of which the renderer takes duplicates */
    Handle pipe_; /* of the last hand-over */
};

}  // namespace worldplate::gpu
#endif

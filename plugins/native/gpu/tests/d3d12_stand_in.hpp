/* A D3D12 device that is made up, where there is none: heaps and fences are file mappings, which two processes can share
   as they share those of Direct3D. It takes what a D3D12 device takes of an exporter, and refuses what one refuses: a heap
   that is not shared, a size or an alignment that no heap has, a shared handle of a placed resource. */
#pragma once

#include <cstdint>
#include <functional>

struct ID3D12CommandList;
struct ID3D12CommandQueue;
struct ID3D12Device;
struct ID3D12Resource;

namespace worldplate::gpu {

/* The one of this process. Its LUID is 01 02 .. 08 in memory. */
ID3D12Device* stand_in_device();

/* Its queue, which is done with everything when a call returns. */
ID3D12CommandQueue* stand_in_queue();

/* A list of commands that do this; the caller deletes nothing. It may be executed until the next one is made. */
ID3D12CommandList* stand_in_list(std::function<void()> commands);

/* What the GPU would write. */
uint8_t* memory_of(ID3D12Resource* buffer);

/* From now on every fence tells that the device is gone. */
void remove_device(ID3D12Device* device);

}  // namespace worldplate::gpu

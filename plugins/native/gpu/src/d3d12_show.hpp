/* What a D3D12 engine does with a frame, in the order in which it happens: a sample, to read and to take from. It stops
   where an engine has its own ways: it is given the queue, and lists of commands that were recorded.

   Not run on Windows or with CUDA yet: under Wine, as the exporter. */
#pragma once

#ifdef _WIN32
#include <cstdint>
#include <string>

#include "exporter_d3d12.hpp"
#include "session.hpp"

namespace worldplate::gpu {

class D3d12Show {
public:
    static constexpr uint32_t kSlots = 3;

    /* HELLO has named the GPU by device_of, and WELCOME agreed to `cuda`. Throws std::runtime_error that says why the
       planes cannot be handed over: the engine shows its own picture then, or uses another transport. */
    D3d12Show(Session& session, const Welcome& welcome, ID3D12Device& device, ID3D12CommandQueue& queue);

    static uint32_t slot_of(int64_t frame_id) { return static_cast<uint32_t>(frame_id % kSlots); }

    /* `planes` writes the planes of the frame into its slot. The frame goes out when that is submitted, not when it is
       done. */
    Answer render(Frame frame, ID3D12CommandList* planes);

    /* `with_plate` reads the plate out of the slot, and waits for it on the GPU. False when the plate did not become whole
       in time: the renderer is gone, and what was drawn is no picture. */
    bool show(const Result& result, ID3D12CommandList* with_plate);

    D3d12Exporter exporter;

private:
    Session& session_;
    const std::string session_id_;
    ID3D12CommandQueue& queue_;
};

}  // namespace worldplate::gpu
#endif

#ifdef _WIN32
#include "d3d12_show.hpp"

#include <stdexcept>

namespace worldplate::gpu {
namespace {

constexpr uint64_t kGeneration = 1;
constexpr uint64_t kPlateNs = 500'000'000; /* that a plate takes to become whole after RESULT, at most */

}  // namespace

D3d12Show::D3d12Show(Session& session, const Welcome& welcome, ID3D12Device& device, ID3D12CommandQueue& queue)
    : exporter(device, slots_of(welcome, kD3d12Alignment, kSlots)), session_(session), session_id_(welcome.session),
      queue_(queue) {
    exporter.hand_over(session.renderer_pid(), session_id_, kGeneration);
    const std::string refused = session.planes_refused();
    if (!refused.empty()) throw std::runtime_error(refused);
}

Answer D3d12Show::render(Frame frame, ID3D12CommandList* planes) {
    frame.session = session_id_;
    frame.generation = kGeneration;
    frame.slot = slot_of(frame.id);
    frame.ready_value = frame.id; /* any value that rises */
    queue_.ExecuteCommandLists(1, &planes);
    check(queue_.Signal(exporter.ready.Get(), static_cast<UINT64>(frame.ready_value)), "ID3D12CommandQueue::Signal");
    return session_.ask(frame);
}

bool D3d12Show::show(const Result& result, ID3D12CommandList* with_plate) {
    const auto value = static_cast<uint64_t>(result.done_value);
    check(queue_.Wait(exporter.done.Get(), value), "ID3D12CommandQueue::Wait");
    queue_.ExecuteCommandLists(1, &with_plate);
    return exporter.wait_or_free(value, kPlateNs);
}

}  // namespace worldplate::gpu
#endif

/* The renderer's door for GPU buffers on Windows: a named pipe that takes a packet and nothing else. The NT handles that the
   packet names stay in this process: the renderer duplicates them out of it, which Windows grants to the same user.

   Run under Wine with tests/d3d12_tool.cpp as the renderer's side; not run on Windows yet. */
#pragma once

#ifdef _WIN32
#include "windows_api.hpp"

#include <cstdint>
#include <string>

#include "slots.hpp"

namespace worldplate::gpu {

/* The pipe of the renderer of this process. */
std::wstring pipe_of(uint32_t renderer_pid);

/* Sends a packet to the renderer whose process the connection file names; PLANES_ACK answers on the link. Waits no longer
   than four seconds. The pipe is to be kept until then: the renderer asks Windows who is at its other end. Throws
   std::runtime_error when nobody listens there, or another process does. */
[[nodiscard]] Handle send_to_pipe(uint32_t renderer_pid, const Packet& packet);

}  // namespace worldplate::gpu
#endif

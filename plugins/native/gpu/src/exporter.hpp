/* The exporter: buffers and semaphores of a Vulkan engine that the renderer reads and writes in place, on one GPU.

   The engine allocates, so that a renderer that dies takes nothing with it. Planes lie in one storage buffer: a compute
   pass of the engine writes canonical planes straight into a slot, and samples the plate straight out of it. Linux: opaque
   file descriptors. */
#pragma once

#include <cstdint>
#include <string>

#include "device.hpp"
#include "slots.hpp"

namespace worldplate::gpu {

/* Each plane begins where a storage buffer may begin on this device. */
Alignment alignment_of(const Device& device);

/* Owns the buffer and the semaphores. The queue must be idle when it is destroyed; what the renderer has imported lives on
   there until it lets go. */
class Exporter {
public:
    /* Throws std::runtime_error that names the call. */
    Exporter(const Device& device, Slots slots);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    /* Sends packet and file descriptors to the renderer's socket; PLANES_ACK answers on the link. Throws
       std::runtime_error when nobody listens. */
    void hand_over(const std::string& socket, const std::string& session, uint64_t generation) const;

    /* Whether the plate is whole, without waiting. */
    bool is_done(uint64_t value) const;

    /* Waits for so long until the plate is whole. When it does not become so, the renderer is gone: then the value is
       reached from here, so that what waits for it on the GPU goes on, and the semaphore is of no more use. Whether the
       plate is whole. */
    bool wait_or_free(uint64_t value, uint64_t patience_ns) const;

    const Slots slots;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkSemaphore ready = VK_NULL_HANDLE, done = VK_NULL_HANDLE; /* null where the driver exports none */

private:
    void allocate();
    VkSemaphore timeline() const;
    int memory_fd() const;
    int semaphore_fd(VkSemaphore semaphore) const;

    const Device& device_;
    VkDeviceMemory memory_ = VK_NULL_HANDLE;
    uint64_t memory_bytes_ = 0;
};

}  // namespace worldplate::gpu

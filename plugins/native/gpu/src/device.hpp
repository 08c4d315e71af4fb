/* A Vulkan device without a window: what an engine has already, and the sample makes for itself. */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <vulkan/vulkan.h>

namespace worldplate::gpu {

/* Throws std::runtime_error that names the call. */
void check(VkResult result, const char* what);

struct Device {
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t family = 0;
    std::string name;
    std::string uuid;              /* 32 hexadecimal digits, as CUDA tells it too */
    bool exports_semaphores = false; /* timeline semaphores as opaque file descriptors */

    /* A GPU where there is one, else a driver for the CPU. It needs Vulkan 1.2 and VK_KHR_external_memory_fd. Throws
       std::runtime_error that says what is missing. */
    Device();
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /* Of a type that has these properties; throws where there is none. */
    uint32_t memory_type(uint32_t allowed, VkMemoryPropertyFlags wanted) const;

private:
    void pick();
    void open();
};

/* A compute shader over storage buffers at bindings 0..n-1, with push constants. */
class Program {
public:
    Program(const Device& device, const std::string& spirv_file, uint32_t buffers, uint32_t push_bytes);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /* Says which buffers the next dispatches use; those before must be done. */
    void bind(const std::vector<VkDescriptorBufferInfo>& buffers);
    void dispatch(VkCommandBuffer list, const void* push, uint32_t width, uint32_t height) const;

private:
    VkPipelineLayout pipeline_layout(uint32_t buffers);

    const Device& device_;
    uint32_t push_bytes_;
    VkShaderModule shader_ = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    VkDescriptorSet set_ = VK_NULL_HANDLE;
};

/* Memory that the CPU sees, for what goes in before the first frame and for looking at what came out. */
class HostBuffer {
public:
    HostBuffer(const Device& device, VkDeviceSize bytes);
    ~HostBuffer();
    HostBuffer(const HostBuffer&) = delete;
    HostBuffer& operator=(const HostBuffer&) = delete;

    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize bytes;
    void* mapped = nullptr;

private:
    const Device& device_;
    VkDeviceMemory memory_ = VK_NULL_HANDLE;
};

}  // namespace worldplate::gpu

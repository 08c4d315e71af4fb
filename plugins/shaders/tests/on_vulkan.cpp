// on_vulkan PROGRAM JOBS RESULTS: the shader text as a compute shader, on a Vulkan driver that needs no GPU. PROGRAM is
// SPIR-V with the buffers job, given, found and planes at bindings 0 to 3. Prints the driver's name.
#include "jobs.hpp"

#include <array>
#include <cstring>

#include <vulkan/vulkan.h>

namespace {

constexpr uint32_t GROUP = 64;

void check(VkResult result, const char *what) {
    if (result != VK_SUCCESS) {
        end(std::string(what) + " failed with " + std::to_string(result));
    }
}

struct Buffer {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    void *mapped = nullptr;
    VkDeviceSize bytes = 0;
};

// Everything on the device; freed at the end of main.
class Machine {
public:
    explicit Machine(const Words &program);
    ~Machine();
    Machine(const Machine &) = delete;
    Machine &operator=(const Machine &) = delete;
    Words run(const Job &job, const Words &planes);
    std::string name;

private:
    void pick();
    void open();
    void build(const Words &program);
    Buffer buffer_of(const Words &words);
    void submit(uint32_t groups);
    void bind(const std::array<Buffer, 4> &buffers);

    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    VkShaderModule shader = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    VkPipeline pipeline = VK_NULL_HANDLE;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    VkDescriptorSet set = VK_NULL_HANDLE;
    VkCommandPool commands = VK_NULL_HANDLE;
};

Machine::Machine(const Words &program) {
    VkApplicationInfo about{};
    about.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    about.apiVersion = VK_API_VERSION_1_1;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &about;
    check(vkCreateInstance(&info, nullptr, &instance), "vkCreateInstance");
    pick();
    open();
    build(program);
}

Machine::~Machine() {
    vkDestroyCommandPool(device, commands, nullptr);
    vkDestroyDescriptorPool(device, pool, nullptr);
    vkDestroyPipeline(device, pipeline, nullptr);
    vkDestroyPipelineLayout(device, layout, nullptr);
    vkDestroyDescriptorSetLayout(device, set_layout, nullptr);
    vkDestroyShaderModule(device, shader, nullptr);
    vkDestroyDevice(device, nullptr);
    vkDestroyInstance(instance, nullptr);
}

void Machine::pick() {
    uint32_t count = 0;
    check(vkEnumeratePhysicalDevices(instance, &count, nullptr), "vkEnumeratePhysicalDevices");
    std::vector<VkPhysicalDevice> all(count);
    check(vkEnumeratePhysicalDevices(instance, &count, all.data()), "vkEnumeratePhysicalDevices");
    for (VkPhysicalDevice each : all) {
        VkPhysicalDeviceProperties properties{};
        vkGetPhysicalDeviceProperties(each, &properties);
        if (properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) {
            physical = each;
            name = properties.deviceName;
        }
    }
    if (physical == VK_NULL_HANDLE) {
        end("there is no Vulkan driver for the CPU; apt-get install mesa-vulkan-drivers");
    }
}

void Machine::open() {
    const float priority = 1.0F;
    VkDeviceQueueCreateInfo queues{};  // a software driver has one family, which does everything
    queues.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queues.queueCount = 1;
    queues.pQueuePriorities = &priority;
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queues;
    check(vkCreateDevice(physical, &info, nullptr, &device), "vkCreateDevice");
    vkGetDeviceQueue(device, 0, 0, &queue);
    VkCommandPoolCreateInfo pool_info{};
    pool_info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    check(vkCreateCommandPool(device, &pool_info, nullptr, &commands), "vkCreateCommandPool");
}

void Machine::build(const Words &program) {
    VkShaderModuleCreateInfo module{};
    module.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
    module.codeSize = program.size() * sizeof(uint32_t);
    module.pCode = program.data();
    check(vkCreateShaderModule(device, &module, nullptr, &shader), "vkCreateShaderModule");
    std::array<VkDescriptorSetLayoutBinding, 4> bindings{};
    for (uint32_t i = 0; i < bindings.size(); i++) {
        bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    }
    VkDescriptorSetLayoutCreateInfo sets{};
    sets.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    sets.bindingCount = static_cast<uint32_t>(bindings.size());
    sets.pBindings = bindings.data();
    check(vkCreateDescriptorSetLayout(device, &sets, nullptr, &set_layout), "vkCreateDescriptorSetLayout");
    VkPipelineLayoutCreateInfo layouts{};
    layouts.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layouts.setLayoutCount = 1;
    layouts.pSetLayouts = &set_layout;
    check(vkCreatePipelineLayout(device, &layouts, nullptr, &layout), "vkCreatePipelineLayout");
    VkComputePipelineCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = shader;
    info.stage.pName = "main";
    info.layout = layout;
    check(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline), "vkCreateComputePipelines");
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 4};
    VkDescriptorPoolCreateInfo pools{};
    pools.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pools.maxSets = 1;
    pools.poolSizeCount = 1;
    pools.pPoolSizes = &size;
    check(vkCreateDescriptorPool(device, &pools, nullptr, &pool), "vkCreateDescriptorPool");
    VkDescriptorSetAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = pool;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &set_layout;
    check(vkAllocateDescriptorSets(device, &allocate, &set), "vkAllocateDescriptorSets");
}

Buffer Machine::buffer_of(const Words &words) {
    Buffer made;
    made.bytes = words.size() * sizeof(uint32_t);
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = made.bytes;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    check(vkCreateBuffer(device, &info, nullptr, &made.buffer), "vkCreateBuffer");
    VkMemoryRequirements needs{};
    vkGetBufferMemoryRequirements(device, made.buffer, &needs);
    VkMemoryAllocateInfo allocate{};  // a software driver's only type of memory is the CPU's
    allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    allocate.allocationSize = needs.size;
    check(vkAllocateMemory(device, &allocate, nullptr, &made.memory), "vkAllocateMemory");
    check(vkBindBufferMemory(device, made.buffer, made.memory, 0), "vkBindBufferMemory");
    check(vkMapMemory(device, made.memory, 0, made.bytes, 0, &made.mapped), "vkMapMemory");
    std::memcpy(made.mapped, words.data(), made.bytes);
    return made;
}

void Machine::bind(const std::array<Buffer, 4> &buffers) {
    for (uint32_t i = 0; i < buffers.size(); i++) {
        const VkDescriptorBufferInfo info = {buffers[i].buffer, 0, buffers[i].bytes};
        VkWriteDescriptorSet write{};
        write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        write.dstSet = set;
        write.dstBinding = i;
        write.descriptorCount = 1;
        write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        write.pBufferInfo = &info;
        vkUpdateDescriptorSets(device, 1, &write, 0, nullptr);
    }
}

void Machine::submit(uint32_t groups) {
    VkCommandBufferAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    allocate.commandPool = commands;
    allocate.commandBufferCount = 1;
    VkCommandBuffer list = VK_NULL_HANDLE;
    check(vkAllocateCommandBuffers(device, &allocate, &list), "vkAllocateCommandBuffers");
    VkCommandBufferBeginInfo begin{};
    begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    check(vkBeginCommandBuffer(list, &begin), "vkBeginCommandBuffer");
    vkCmdBindPipeline(list, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vkCmdBindDescriptorSets(list, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, nullptr);
    vkCmdDispatch(list, groups, 1, 1);
    check(vkEndCommandBuffer(list), "vkEndCommandBuffer");
    VkSubmitInfo submitted{};
    submitted.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submitted.commandBufferCount = 1;
    submitted.pCommandBuffers = &list;
    check(vkQueueSubmit(queue, 1, &submitted, VK_NULL_HANDLE), "vkQueueSubmit");
    check(vkQueueWaitIdle(queue), "vkQueueWaitIdle");
    vkFreeCommandBuffers(device, commands, 1, &list);
}

Words Machine::run(const Job &job, const Words &planes) {
    const size_t count = static_cast<size_t>(job.head[1]) * job.head[3];
    const std::array<Buffer, 4> buffers = {
        buffer_of(job.head), buffer_of(job.given), buffer_of(Words(count, 0)), buffer_of(planes)};
    bind(buffers);
    submit((job.head[1] + GROUP - 1) / GROUP);
    Words found(count);
    std::memcpy(found.data(), buffers[2].mapped, count * sizeof(uint32_t));
    for (const Buffer &each : buffers) {
        vkDestroyBuffer(device, each.buffer, nullptr);
        vkFreeMemory(device, each.memory, nullptr);
    }
    return found;
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 4) {
        end("on_vulkan PROGRAM JOBS RESULTS");
    }
    Machine machine(words_of(arguments[1]));
    const Jobs jobs = jobs_of(arguments[2]);
    Words all;
    for (const Job &job : jobs.all) {
        const Words found = machine.run(job, jobs.planes);
        all.insert(all.end(), found.begin(), found.end());
    }
    write_words(arguments[3], all);
    std::puts(machine.name.c_str());
    return 0;
}

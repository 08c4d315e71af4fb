#include "device.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace worldplate::gpu {
namespace {

constexpr uint32_t kGroup = 8; /* local_size_x and _y of the shaders */

bool has_extension(VkPhysicalDevice physical, const char* name) {
    constexpr const char* kCall = "vkEnumerateDeviceExtensionProperties";
    uint32_t count = 0;
    check(vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, nullptr), kCall);
    std::vector<VkExtensionProperties> all(count);
    check(vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, all.data()), kCall);
    for (const VkExtensionProperties& each : all)
        if (std::strcmp(each.extensionName, name) == 0) return true;
    return false;
}

bool exports_timelines(VkPhysicalDevice physical) {
    if (!has_extension(physical, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME)) return false;
    VkSemaphoreTypeCreateInfo type{};
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkPhysicalDeviceExternalSemaphoreInfo asked{};
    asked.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO;
    asked.pNext = &type;
    asked.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    VkExternalSemaphoreProperties answer{};
    answer.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES;
    vkGetPhysicalDeviceExternalSemaphoreProperties(physical, &asked, &answer);
    return (answer.externalSemaphoreFeatures & VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT) != 0;
}

std::string hex(const uint8_t* bytes, size_t count) {
    std::string text;
    for (size_t at = 0; at < count; ++at) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", bytes[at]);
        text += digits;
    }
    return text;
}

std::vector<uint32_t> words_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (bytes.empty() || bytes.size() % sizeof(uint32_t) != 0) throw std::runtime_error(file + " is no SPIR-V");
    std::vector<uint32_t> words(bytes.size() / sizeof(uint32_t));
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
}

}  // namespace

void check(VkResult result, const char* what) {
    if (result != VK_SUCCESS) throw std::runtime_error(std::string(what) + " failed with " + std::to_string(result));
}

Device::Device() {
    VkApplicationInfo about{};
    about.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    about.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &about;
    check(vkCreateInstance(&info, nullptr, &instance), "vkCreateInstance");
    pick();
    open();
}

Device::~Device() {
    vkDestroyDevice(device, nullptr);
    vkDestroyInstance(instance, nullptr);
}

void Device::pick() {
    uint32_t count = 0;
    check(vkEnumeratePhysicalDevices(instance, &count, nullptr), "vkEnumeratePhysicalDevices");
    std::vector<VkPhysicalDevice> all(count);
    check(vkEnumeratePhysicalDevices(instance, &count, all.data()), "vkEnumeratePhysicalDevices");
    bool is_gpu = false;
    for (VkPhysicalDevice each : all) {
        VkPhysicalDeviceIDProperties id{};
        id.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES;
        VkPhysicalDeviceProperties2 properties{};
        properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
        properties.pNext = &id;
        vkGetPhysicalDeviceProperties2(each, &properties);
        const bool better = properties.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
        if (!has_extension(each, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME) || (physical != VK_NULL_HANDLE && !better))
            continue;
        if (is_gpu) continue; /* the first one */
        physical = each;
        is_gpu = better;
        name = properties.properties.deviceName;
        uuid = hex(id.deviceUUID, VK_UUID_SIZE);
    }
    if (physical == VK_NULL_HANDLE) throw std::runtime_error("no Vulkan device has VK_KHR_external_memory_fd");
    exports_semaphores = exports_timelines(physical);
}

void Device::open() {
    uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
    while (family < count && (families[family].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) ++family;
    if (family == count) throw std::runtime_error(name + " has no queue for compute");
    const float priority = 1.0F;
    VkDeviceQueueCreateInfo queues{};
    queues.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queues.queueFamilyIndex = family;
    queues.queueCount = 1;
    queues.pQueuePriorities = &priority;
    VkPhysicalDeviceTimelineSemaphoreFeatures timelines{};
    timelines.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    timelines.timelineSemaphore = VK_TRUE;
    std::vector<const char*> extensions = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME};
    if (exports_semaphores) extensions.push_back(VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME);
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = &timelines;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queues;
    info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    check(vkCreateDevice(physical, &info, nullptr, &device), "vkCreateDevice");
    vkGetDeviceQueue(device, family, 0, &queue);
}

uint32_t Device::memory_type(uint32_t allowed, VkMemoryPropertyFlags wanted) const {
    VkPhysicalDeviceMemoryProperties memory{};
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    for (uint32_t type = 0; type < memory.memoryTypeCount; ++type)
        if ((allowed & (1U << type)) != 0 && (memory.memoryTypes[type].propertyFlags & wanted) == wanted) return type;
    throw std::runtime_error(name + " has no memory of the wanted kind");
}

Program::Program(const Device& device, const std::string& spirv_file, uint32_t buffers, uint32_t push_bytes)
    : device_(device), push_bytes_(push_bytes) {
    const std::vector<uint32_t> words = words_of(spirv_file);
    VkShaderModuleCreateInfo module{};
    module.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
    module.codeSize = words.size() * sizeof(uint32_t);
    module.pCode = words.data();
    check(vkCreateShaderModule(device_.device, &module, nullptr, &shader_), "vkCreateShaderModule");
    layout_ = pipeline_layout(buffers);
    VkComputePipelineCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = shader_;
    info.stage.pName = "main";
    info.layout = layout_;
    check(vkCreateComputePipelines(device_.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_),
          "vkCreateComputePipelines");
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffers};
    VkDescriptorPoolCreateInfo pools{};
    pools.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pools.maxSets = 1;
    pools.poolSizeCount = 1;
    pools.pPoolSizes = &size;
    check(vkCreateDescriptorPool(device_.device, &pools, nullptr, &pool_), "vkCreateDescriptorPool");
    VkDescriptorSetAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = pool_;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &set_layout_;
    check(vkAllocateDescriptorSets(device_.device, &allocate, &set_), "vkAllocateDescriptorSets");
}

VkPipelineLayout Program::pipeline_layout(uint32_t buffers) {
    std::vector<VkDescriptorSetLayoutBinding> bindings(buffers);
    for (uint32_t at = 0; at < buffers; ++at)
        bindings[at] = {at, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    VkDescriptorSetLayoutCreateInfo sets{};
    sets.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    sets.bindingCount = buffers;
    sets.pBindings = bindings.data();
    check(vkCreateDescriptorSetLayout(device_.device, &sets, nullptr, &set_layout_), "vkCreateDescriptorSetLayout");
    const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes_};
    VkPipelineLayoutCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    info.setLayoutCount = 1;
    info.pSetLayouts = &set_layout_;
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &push;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    check(vkCreatePipelineLayout(device_.device, &info, nullptr, &layout), "vkCreatePipelineLayout");
    return layout;
}

Program::~Program() {
    vkDestroyDescriptorPool(device_.device, pool_, nullptr);
    vkDestroyPipeline(device_.device, pipeline_, nullptr);
    vkDestroyPipelineLayout(device_.device, layout_, nullptr);
    vkDestroyDescriptorSetLayout(device_.device, set_layout_, nullptr);
    vkDestroyShaderModule(device_.device, shader_, nullptr);
}

void Program::bind(const std::vector<VkDescriptorBufferInfo>& buffers) {
    for (uint32_t at = 0; at < buffers.size(); ++at) {
        VkWriteDescriptorSet write{};
        write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        write.dstSet = set_;
        write.dstBinding = at;
        write.descriptorCount = 1;
        write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        write.pBufferInfo = &buffers[at];
        vkUpdateDescriptorSets(device_.device, 1, &write, 0, nullptr);
    }
}

void Program::dispatch(VkCommandBuffer list, const void* push, uint32_t width, uint32_t height) const {
    vkCmdBindPipeline(list, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
    vkCmdBindDescriptorSets(list, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0, nullptr);
    vkCmdPushConstants(list, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes_, push);
    vkCmdDispatch(list, (width + kGroup - 1) / kGroup, (height + kGroup - 1) / kGroup, 1);
}

HostBuffer::HostBuffer(const Device& device, VkDeviceSize size) : bytes(size), device_(device) {
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = bytes;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    check(vkCreateBuffer(device_.device, &info, nullptr, &buffer), "vkCreateBuffer");
    VkMemoryRequirements needs{};
    vkGetBufferMemoryRequirements(device_.device, buffer, &needs);
    VkMemoryAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    allocate.allocationSize = needs.size;
    allocate.memoryTypeIndex = device_.memory_type(
        needs.memoryTypeBits, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    check(vkAllocateMemory(device_.device, &allocate, nullptr, &memory_), "vkAllocateMemory");
    check(vkBindBufferMemory(device_.device, buffer, memory_, 0), "vkBindBufferMemory");
    check(vkMapMemory(device_.device, memory_, 0, bytes, 0, &mapped), "vkMapMemory");
}

HostBuffer::~HostBuffer() {
    vkDestroyBuffer(device_.device, buffer, nullptr);
    vkFreeMemory(device_.device, memory_, nullptr);
}

}  // namespace worldplate::gpu

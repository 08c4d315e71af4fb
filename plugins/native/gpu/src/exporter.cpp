#include "exporter.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace worldplate::gpu {
namespace {

/* File descriptors that are closed when they have been sent, or could not be. */
struct Descriptors {
    std::array<int, 3> fds{};
    size_t count = 0;
    void add(int fd) { fds[count++] = fd; }
    ~Descriptors() {
        for (size_t at = 0; at < count; ++at) close(fds[at]);
    }
};

void send_packet(const std::string& path, const Packet& packet, const Descriptors& descriptors) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + " is too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const int end = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    iovec part = {const_cast<uint8_t*>(packet.data()), packet.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.count * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.count * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.fds.data(), descriptors.count * sizeof(int));
    const bool sent = end >= 0 && connect(end, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                      sendmsg(end, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
    const std::string why = std::strerror(errno);
    if (end >= 0) close(end);
    if (!sent) throw std::runtime_error("nobody takes GPU buffers at " + path + ": " + why);
}

}  // namespace

Alignment alignment_of(const Device& device) {
    VkPhysicalDeviceProperties properties{};
    vkGetPhysicalDeviceProperties(device.physical, &properties);
    return {properties.limits.minStorageBufferOffsetAlignment, 1};
}

Exporter::Exporter(const Device& device, Slots wanted) : slots(std::move(wanted)), device_(device) {
    allocate();
    if (device_.exports_semaphores) {
        ready = timeline();
        done = timeline();
    }
}

void Exporter::allocate() {
    VkExternalMemoryBufferCreateInfo outside{};
    outside.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO;
    outside.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.pNext = &outside;
    info.size = slots.count * slots.slot_bytes;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
    check(vkCreateBuffer(device_.device, &info, nullptr, &buffer), "vkCreateBuffer");
    VkMemoryRequirements needs{};
    vkGetBufferMemoryRequirements(device_.device, buffer, &needs);
    VkMemoryDedicatedAllocateInfo dedicated{};
    dedicated.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO;
    dedicated.buffer = buffer;
    VkExportMemoryAllocateInfo exported{};
    exported.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO;
    exported.pNext = &dedicated;
    exported.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    VkMemoryAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    allocate.pNext = &exported;
    allocate.allocationSize = memory_bytes_ = needs.size;
    allocate.memoryTypeIndex = device_.memory_type(needs.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    check(vkAllocateMemory(device_.device, &allocate, nullptr, &memory_), "vkAllocateMemory");
    check(vkBindBufferMemory(device_.device, buffer, memory_, 0), "vkBindBufferMemory");
}

Exporter::~Exporter() {
    vkDestroySemaphore(device_.device, ready, nullptr);
    vkDestroySemaphore(device_.device, done, nullptr);
    vkDestroyBuffer(device_.device, buffer, nullptr);
    vkFreeMemory(device_.device, memory_, nullptr);
}

VkSemaphore Exporter::timeline() const {
    VkExportSemaphoreCreateInfo outside{};
    outside.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO;
    outside.handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    VkSemaphoreTypeCreateInfo type{};
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
    type.pNext = &outside;
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    info.pNext = &type;
    VkSemaphore made = VK_NULL_HANDLE;
    check(vkCreateSemaphore(device_.device, &info, nullptr, &made), "vkCreateSemaphore");
    return made;
}

int Exporter::memory_fd() const {
    const auto get = reinterpret_cast<PFN_vkGetMemoryFdKHR>(vkGetDeviceProcAddr(device_.device, "vkGetMemoryFdKHR"));
    VkMemoryGetFdInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR;
    info.memory = memory_;
    info.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    int fd = -1;
    check(get(device_.device, &info, &fd), "vkGetMemoryFdKHR");
    return fd;
}

int Exporter::semaphore_fd(VkSemaphore semaphore) const {
    const auto get =
        reinterpret_cast<PFN_vkGetSemaphoreFdKHR>(vkGetDeviceProcAddr(device_.device, "vkGetSemaphoreFdKHR"));
    VkSemaphoreGetFdInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR;
    info.semaphore = semaphore;
    info.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    int fd = -1;
    check(get(device_.device, &info, &fd), "vkGetSemaphoreFdKHR");
    return fd;
}

void Exporter::hand_over(const std::string& path, const std::string& session, uint64_t generation) const {
    wp_handles own{};
    own.kind = WP_HANDLE_KIND_VULKAN_FD;
    own.memory_bytes = memory_bytes_;
    own.dedicated = 1;
    own.semaphores = ready != VK_NULL_HANDLE ? 2 : 0;
    const Packet packet = packet_of(own, slots, device_.uuid, session, generation);
    Descriptors descriptors;
    descriptors.add(memory_fd());
    if (ready != VK_NULL_HANDLE) {
        descriptors.add(semaphore_fd(ready));
        descriptors.add(semaphore_fd(done));
    }
    send_packet(path, packet, descriptors);
}

bool Exporter::is_done(uint64_t value) const {
    uint64_t reached = 0;
    check(vkGetSemaphoreCounterValue(device_.device, done, &reached), "vkGetSemaphoreCounterValue");
    return reached >= value;
}

bool Exporter::wait_or_free(uint64_t value, uint64_t patience_ns) const {
    VkSemaphoreWaitInfo wait{};
    wait.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    wait.semaphoreCount = 1;
    wait.pSemaphores = &done;
    wait.pValues = &value;
    const VkResult outcome = vkWaitSemaphores(device_.device, &wait, patience_ns);
    if (outcome != VK_TIMEOUT) {
        check(outcome, "vkWaitSemaphores");
        return true;
    }
    VkSemaphoreSignalInfo signal{};
    signal.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    signal.semaphore = done;
    signal.value = value;
    check(vkSignalSemaphore(device_.device, &signal), "vkSignalSemaphore");
    return false;
}

}  // namespace worldplate::gpu

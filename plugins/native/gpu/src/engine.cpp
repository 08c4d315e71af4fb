/* vulkan_engine SCENE SHADERS CONNECTION [--frames N] [--size WxH] [--device UUID] [--own OBJECT] [--dump FILE]
   [--look EVERY]

   An engine without a window or a game: it renders the known scene by compute straight into buffers that the renderer
   reads in place, composites the plate that comes back with the shader text of the plugins, and holds every picture to
   what it must be for the model `passthrough`: its own, bit for bit. Prints one line of JSON. Where planes cannot stay
   on the GPU, or leave it in the middle of a show, it shows its own picture and says why: through the CPU it can send
   none, and offers those transports to be told the reason in WELCOME. --device says another GPU than the real one;
   --own leaves an object to the engine; --dump writes the last slot and picture; --look looks at every so many
   pictures and at the last, which leaves the CPU out of the others. SIGTERM ends it after the frame it is at. */
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "client.hpp"
#include "exporter.hpp"
#include "scene.hpp"
#include "session.hpp"

namespace worldplate::gpu {
namespace {

constexpr uint32_t kSlots = 3;
constexpr uint64_t kPlateNs = 500'000'000; /* that a plate takes to become whole after RESULT, at most */
constexpr wp_plane_name kPlanes[] = {WP_PLANE_NAME_COLOR, WP_PLANE_NAME_DEPTH, WP_PLANE_NAME_NORMAL,
                                     WP_PLANE_NAME_MOTION, WP_PLANE_NAME_OBJECT};
constexpr wp_pixel_format kFormats[] = {WP_PIXEL_FORMAT_RGBA16F, WP_PIXEL_FORMAT_R32F, WP_PIXEL_FORMAT_RGBA16F,
                                        WP_PIXEL_FORMAT_RG16F, WP_PIXEL_FORMAT_R32UI};

volatile std::sig_atomic_t stopped = 0;

struct Options {
    std::string scene, shaders, connection, device, dump;
    uint32_t frames = 60, width = 640, height = 360, look = 1;
    std::vector<int64_t> own;
};

struct CompositePush {
    uint32_t width, height;
    float strength;
};

Hello hello_of(const Options& options, const std::string& uuid) {
    Hello hello;
    hello.client = "worldplate vulkan engine";
    hello.engine = "none";
    hello.pid = static_cast<int64_t>(getpid());
    hello.width = options.width;
    hello.height = options.height;
    for (size_t at = 0; at < std::size(kPlanes); ++at) hello.planes.push_back({kPlanes[at], {kFormats[at]}});
    hello.transports = {WP_TRANSPORT_CUDA, WP_TRANSPORT_SHM, WP_TRANSPORT_INLINE};
    hello.device = options.device.empty() ? uuid : options.device;
    hello.sync = WP_SYNC_MODE_LOCKSTEP; /* it shows the plate of each frame, and waits for it on the GPU */
    return hello;
}

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0.0;
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

class Engine {
public:
    explicit Engine(const Options& options);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void run();
    nlohmann::json report() const;

private:
    void open();
    void give_up(const std::string& why);
    void render(uint64_t number);
    bool ask(uint64_t number, Result& result);
    void show(uint64_t number, uint64_t done_value, float strength);
    void verify(const uint8_t* slot);
    void dump() const;
    VkCommandBuffer begin() const;
    void submit(
        VkCommandBuffer list, VkSemaphore wait, uint64_t wait_value, VkSemaphore signal, uint64_t signal_value) const;
    void hand_on(VkCommandBuffer list, uint32_t from, uint32_t to) const;
    VkDescriptorBufferInfo part(uint64_t number, wp_plane_name name) const;
    uint32_t slot_of(uint64_t number) const { return static_cast<uint32_t>(number % kSlots); }

    const Options& options_;
    Device device_;
    Scene scene_;
    Session session_;
    Welcome welcome_;
    Program scene_pass_, composite_pass_;
    HostBuffer boxes_, picture_;
    VkCommandPool commands_ = VK_NULL_HANDLE;
    std::unique_ptr<Exporter> exporter_;
    std::unique_ptr<HostBuffer> look_; /* a slot, for the CPU to look at */
    bool on_gpu_ = false;
    std::string reason_;
    std::string moved_to_; /* the transport to which the renderer has taken the session from the GPU */
    uint64_t frames_ = 0, generated_ = 0, whole_at_once_ = 0; /* the last: plates that were whole when RESULT came */
    uint64_t differing_ = 0, plate_pixels_ = 0, owned_pixels_ = 0; /* pixels */
    uint64_t own_from_ = 0;         /* the first frame that was shown without a plate; 0: none was */
    std::vector<uint64_t> shown_ns_; /* when each picture was there, on the monotonic clock */
    std::vector<double> round_trips_ms_;
};

Engine::Engine(const Options& options)
    : options_(options), scene_(options.scene), session_(options.connection),
      welcome_(session_.greet(hello_of(options, device_.uuid))),
      scene_pass_(device_, options.shaders + "/scene.spv", 6, sizeof(View)),
      composite_pass_(device_, options.shaders + "/composite.spv", 3, sizeof(CompositePush)),
      boxes_(device_, scene_.boxes().size() * sizeof(Box)),
      picture_(device_, static_cast<VkDeviceSize>(options.width) * options.height * 8) {
    std::memcpy(boxes_.mapped, scene_.boxes().data(), boxes_.bytes);
    VkCommandPoolCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    info.queueFamilyIndex = device_.family;
    check(vkCreateCommandPool(device_.device, &info, nullptr, &commands_), "vkCreateCommandPool");
    open();
}

Engine::~Engine() {
    vkQueueWaitIdle(device_.queue);
    session_.say(Bye{welcome_.session, "the engine ends"});
    vkDestroyCommandPool(device_.device, commands_, nullptr);
}

/* The buffers are made in any case: the engine renders with a renderer or without. */
void Engine::open() {
    exporter_ = std::make_unique<Exporter>(device_, slots_of(welcome_, alignment_of(device_), kSlots));
    look_ = std::make_unique<HostBuffer>(device_, exporter_->slots.slot_bytes);
    if (!options_.own.empty()) {
        SetControls controls;
        controls.session = welcome_.session;
        controls.engine_objects = options_.own;
        session_.say(controls);
    }
    if (welcome_.transport != WP_TRANSPORT_CUDA) return give_up(welcome_.transport_reason);
    try {
        exporter_->hand_over(session_.handles_socket(), welcome_.session, 1);
    } catch (const std::runtime_error& error) {
        return give_up(error.what());
    }
    const std::string refused = session_.planes_refused();
    on_gpu_ = refused.empty();
    if (!on_gpu_) give_up(refused);
}

void Engine::give_up(const std::string& why) {
    on_gpu_ = false;
    if (reason_.empty()) reason_ = why;
}

VkDescriptorBufferInfo Engine::part(uint64_t number, wp_plane_name name) const {
    const Slots& slots = exporter_->slots;
    const PlaneLayout& layout = slots.plane(name);
    return {exporter_->buffer, slots.offset(slot_of(number), name),
            static_cast<VkDeviceSize>(layout.row_pitch_bytes * layout.height)};
}

VkCommandBuffer Engine::begin() const {
    VkCommandBufferAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    allocate.commandPool = commands_;
    allocate.commandBufferCount = 1;
    VkCommandBuffer list = VK_NULL_HANDLE;
    check(vkAllocateCommandBuffers(device_.device, &allocate, &list), "vkAllocateCommandBuffers");
    VkCommandBufferBeginInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    check(vkBeginCommandBuffer(list, &info), "vkBeginCommandBuffer");
    return list;
}

/* Gives the shared buffer to the renderer's API, or takes it back: all that was written before is seen after. */
void Engine::hand_on(VkCommandBuffer list, uint32_t from, uint32_t to) const {
    VkBufferMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;
    barrier.srcQueueFamilyIndex = from;
    barrier.dstQueueFamilyIndex = to;
    barrier.buffer = exporter_->buffer;
    barrier.size = VK_WHOLE_SIZE;
    vkCmdPipelineBarrier(list, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 1, &barrier,
                         0, nullptr);
}

void Engine::submit(
    VkCommandBuffer list, VkSemaphore wait, uint64_t wait_value, VkSemaphore signal, uint64_t signal_value) const {
    check(vkEndCommandBuffer(list), "vkEndCommandBuffer");
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    VkTimelineSemaphoreSubmitInfo values{};
    values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    values.waitSemaphoreValueCount = wait != VK_NULL_HANDLE ? 1 : 0;
    values.pWaitSemaphoreValues = &wait_value;
    values.signalSemaphoreValueCount = signal != VK_NULL_HANDLE ? 1 : 0;
    values.pSignalSemaphoreValues = &signal_value;
    VkSubmitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.pNext = &values;
    info.waitSemaphoreCount = values.waitSemaphoreValueCount;
    info.pWaitSemaphores = &wait;
    info.pWaitDstStageMask = &stage;
    info.commandBufferCount = 1;
    info.pCommandBuffers = &list;
    info.signalSemaphoreCount = values.signalSemaphoreValueCount;
    info.pSignalSemaphores = &signal;
    check(vkQueueSubmit(device_.queue, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
}

/* The planes of a frame, straight into its slot. */
void Engine::render(uint64_t number) {
    std::vector<VkDescriptorBufferInfo> buffers = {{boxes_.buffer, 0, VK_WHOLE_SIZE}};
    for (const wp_plane_name name : kPlanes) buffers.push_back(part(number, name));
    scene_pass_.bind(buffers);
    const VkCommandBuffer list = begin();
    const View view = scene_.view(static_cast<uint32_t>(number % scene_.steps()), options_.width, options_.height);
    scene_pass_.dispatch(list, &view, options_.width, options_.height);
    hand_on(list, device_.family, on_gpu_ ? VK_QUEUE_FAMILY_EXTERNAL : device_.family);
    submit(list, VK_NULL_HANDLE, 0, on_gpu_ ? exporter_->ready : VK_NULL_HANDLE, number);
    if (exporter_->ready == VK_NULL_HANDLE) check(vkQueueWaitIdle(device_.queue), "vkQueueWaitIdle");
}

/* Says the frame; false, and the engine goes on alone, when there is no plate. */
bool Engine::ask(uint64_t number, Result& result) {
    Frame frame;
    frame.session = welcome_.session;
    frame.id = static_cast<int64_t>(number);
    frame.generation = 1;
    frame.slot = slot_of(number);
    frame.capture_ns = static_cast<int64_t>(now_ns());
    frame.camera = scene_.camera(static_cast<uint32_t>(number % scene_.steps()), options_.width, options_.height);
    frame.ready_value = exporter_->ready != VK_NULL_HANDLE ? static_cast<int64_t>(number) : 0;
    const uint64_t asked_ns = now_ns();
    const Answer answer = session_.ask(frame);
    round_trips_ms_.push_back(static_cast<double>(now_ns() - asked_ns) / 1e6);
    moved_to_ = answer.moved_to;
    if (!answer.result) give_up(answer.why_not);
    else result = *answer.result;
    return answer.result && result.disposition == WP_DISPOSITION_GENERATED;
}

/* The picture, and a look at every pixel of it. A game would not wait here. */
void Engine::show(uint64_t number, uint64_t done_value, float strength) {
    const bool looks = number % options_.look == 0 || number == options_.frames;
    composite_pass_.bind({part(number, WP_PLANE_NAME_COLOR), part(number, WP_PLANE_NAME_PLATE),
                          {picture_.buffer, 0, VK_WHOLE_SIZE}});
    const VkCommandBuffer list = begin();
    hand_on(list, on_gpu_ ? VK_QUEUE_FAMILY_EXTERNAL : device_.family, device_.family);
    const CompositePush push = {options_.width, options_.height, strength};
    composite_pass_.dispatch(list, &push, options_.width, options_.height);
    const VkBufferCopy slot = {slot_of(number) * exporter_->slots.slot_bytes, 0, exporter_->slots.slot_bytes};
    if (looks) vkCmdCopyBuffer(list, exporter_->buffer, look_->buffer, 1, &slot);
    submit(list, done_value > 0 ? exporter_->done : VK_NULL_HANDLE, done_value, VK_NULL_HANDLE, 0);
    const bool is_whole = done_value == 0 || exporter_->wait_or_free(done_value, kPlateNs);
    check(vkQueueWaitIdle(device_.queue), "vkQueueWaitIdle");
    check(vkResetCommandPool(device_.device, commands_, 0), "vkResetCommandPool");
    if (!is_whole) {
        give_up("the renderer ended in the middle of a frame");
        --generated_;
        return show(number, 0, 0.0F);
    }
    shown_ns_.push_back(now_ns());
    if (strength == 0.0F && own_from_ == 0) own_from_ = number;
    if (looks) verify(static_cast<const uint8_t*>(look_->mapped));
}

void Engine::verify(const uint8_t* slot) {
    const Slots& slots = exporter_->slots;
    const uint64_t pixels = static_cast<uint64_t>(options_.width) * options_.height;
    const uint8_t* color = slot + slots.offset(0, WP_PLANE_NAME_COLOR);
    const uint8_t* plate = slot + slots.offset(0, WP_PLANE_NAME_PLATE);
    const auto* shown = static_cast<const uint8_t*>(picture_.mapped);
    for (uint64_t at = 0; at < pixels; ++at) {
        uint16_t matte = 0;
        std::memcpy(&matte, plate + at * 8 + 6, sizeof matte);
        const bool is_plate = matte != 0 && std::memcmp(plate + at * 8, color + at * 8, 8) == 0;
        plate_pixels_ += on_gpu_ && is_plate ? 1 : 0;
        owned_pixels_ += on_gpu_ && matte == 0 ? 1 : 0;
        const bool is_wrong = on_gpu_ && matte != 0 && !is_plate;
        differing_ += is_wrong || std::memcmp(shown + at * 8, color + at * 8, 8) != 0 ? 1 : 0;
    }
}

void Engine::run() {
    for (uint64_t number = 1; number <= options_.frames && stopped == 0; ++number) {
        render(number);
        Result result;
        const bool has_plate = on_gpu_ && ask(number, result);
        const uint64_t done_value = has_plate ? static_cast<uint64_t>(result.done_value) : 0;
        generated_ += has_plate ? 1 : 0;
        whole_at_once_ += has_plate && (done_value == 0 || exporter_->is_done(done_value)) ? 1 : 0;
        show(number, done_value, has_plate ? 1.0F : 0.0F);
        ++frames_;
    }
    dump();
}

void Engine::dump() const {
    if (options_.dump.empty()) return;
    std::ofstream file(options_.dump, std::ios::binary);
    file.write(static_cast<const char*>(look_->mapped), static_cast<std::streamsize>(look_->bytes));
    file.write(static_cast<const char*>(picture_.mapped), static_cast<std::streamsize>(picture_.bytes));
    if (!file) throw std::runtime_error(options_.dump + " cannot be written");
}

nlohmann::json Engine::report() const {
    nlohmann::json offsets;
    for (const wp_plane_name name : kPlanes) offsets[word_of(name)] = exporter_->slots.plane(name).offset_bytes;
    nlohmann::json counters = nlohmann::json::object();
    for (const auto& [name, count] : session_.gpu_figures()) counters[name] = count;
    offsets["plate"] = exporter_->slots.plane(WP_PLANE_NAME_PLATE).offset_bytes;
    return {{"device", device_.name}, {"uuid", device_.uuid}, {"semaphores", device_.exports_semaphores},
            {"transport", on_gpu_ ? "cuda" : "none"}, {"reason", reason_}, {"moved_to", moved_to_}, {"frames", frames_},
            {"generated", generated_}, {"whole_at_once", whole_at_once_}, {"differing_pixels", differing_},
            {"plate_pixels", plate_pixels_}, {"owned_pixels", owned_pixels_},
            {"own_from", own_from_}, {"shown_ns", shown_ns_}, {"counters", counters},
            {"slot_bytes", exporter_->slots.slot_bytes}, {"offsets", offsets},
            {"round_trip_ms", {{"p50", percentile(round_trips_ms_, 0.5)}, {"p99", percentile(round_trips_ms_, 0.99)}}}};
}

Options options_of(const std::vector<std::string>& arguments) {
    if (arguments.size() % 2 != 1 || arguments.size() < 3)
        throw std::runtime_error("vulkan_engine SCENE SHADERS CONNECTION [--NAME VALUE]...");
    Options options;
    options.scene = arguments[0];
    options.shaders = arguments[1];
    options.connection = arguments[2];
    for (size_t at = 3; at < arguments.size(); at += 2) {
        const std::string &name = arguments[at], &value = arguments[at + 1];
        if (name == "--frames") options.frames = static_cast<uint32_t>(std::stoul(value));
        else if (name == "--device") options.device = value;
        else if (name == "--dump") options.dump = value;
        else if (name == "--own") options.own.push_back(std::stoll(value));
        else if (name == "--look") options.look = std::max(1U, static_cast<uint32_t>(std::stoul(value)));
        else if (name == "--size") {
            options.width = static_cast<uint32_t>(std::stoul(value));
            options.height = static_cast<uint32_t>(std::stoul(value.substr(value.find('x') + 1)));
        } else throw std::runtime_error("there is no option " + name);
    }
    return options;
}

void stop(int) { stopped = 1; }

}  // namespace
}  // namespace worldplate::gpu

int main(int count, char** arguments) {
    std::signal(SIGTERM, worldplate::gpu::stop);
    try {
        const worldplate::gpu::Options options = worldplate::gpu::options_of({arguments + 1, arguments + count});
        worldplate::gpu::Engine engine(options);
        engine.run();
        std::cout << engine.report() << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

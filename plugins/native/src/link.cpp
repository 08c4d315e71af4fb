#include "link.hpp"

#include <cstring>
#include <stdexcept>
#include <zmq.h>

namespace worldplate {
namespace {

constexpr const char* kBell = "inproc://worldplate-bell";
constexpr const char* kMonitor = "inproc://worldplate-monitor-"; /* and a number: a name is free only when libzmq has
                                                                    cleared away the socket that had it */

void set(void* socket, int option, int value) { zmq_setsockopt(socket, option, &value, sizeof value); }

/* Of a part that was sent; on a thread of ZeroMQ. */
void let_go(void*, void* part) { delete static_cast<Part*>(part); }

void close_message(zmq_msg_t* message) {
    zmq_msg_close(message);
    delete message;
}

}  // namespace

Link::Link() : context_(zmq_ctx_new()) {
    if (context_ != nullptr) bell_ = zmq_socket(context_, ZMQ_PAIR);
    if (bell_ != nullptr) ear_ = zmq_socket(context_, ZMQ_PAIR);
    if (ear_ == nullptr || zmq_bind(ear_, kBell) != 0 || zmq_connect(bell_, kBell) != 0) {
        const std::string why = zmq_strerror(zmq_errno());
        end();
        throw std::runtime_error("No ZeroMQ socket for a client: " + why + ".");
    }
    set(bell_, ZMQ_LINGER, 0);
    set(ear_, ZMQ_LINGER, 0);
}

Link::~Link() { end(); }

void Link::end() {
    close(0);
    if (bell_ != nullptr) zmq_close(bell_);
    if (ear_ != nullptr) zmq_close(ear_);
    if (context_ != nullptr) zmq_ctx_term(context_);
    bell_ = ear_ = context_ = nullptr;
}

bool Link::open(const std::string& endpoint, int64_t most_bytes) {
    close(0);
    connected_ = lost_ = false;
    dealer_ = zmq_socket(context_, ZMQ_DEALER);
    monitor_ = zmq_socket(context_, ZMQ_PAIR);
    if (dealer_ == nullptr || monitor_ == nullptr) return given_up();
    /* As measured for a link on one machine: see bridge/link.py. */
    set(dealer_, ZMQ_LINGER, 0);
    set(dealer_, ZMQ_HEARTBEAT_IVL, 100);
    set(dealer_, ZMQ_HEARTBEAT_TIMEOUT, 300);
    set(dealer_, ZMQ_HEARTBEAT_TTL, 300);
    set(dealer_, ZMQ_HANDSHAKE_IVL, 2000);
    set(dealer_, ZMQ_SNDHWM, 64);
    set(dealer_, ZMQ_RECONNECT_IVL, 10);
    set(dealer_, ZMQ_RECONNECT_IVL_MAX, 500);
    set(dealer_, ZMQ_IPV6, endpoint.find('[') != std::string::npos ? 1 : 0);
    zmq_setsockopt(dealer_, ZMQ_MAXMSGSIZE, &most_bytes, sizeof most_bytes);
    set(monitor_, ZMQ_LINGER, 0);
    const std::string monitor = kMonitor + std::to_string(++opened_);
    /* The monitor listens before there can be a connection. */
    const bool is_open =
        zmq_socket_monitor(dealer_, monitor.c_str(), ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) == 0 &&
        zmq_connect(monitor_, monitor.c_str()) == 0 && zmq_connect(dealer_, endpoint.c_str()) == 0;
    return is_open || given_up();
}

bool Link::given_up() {
    error_ = zmq_strerror(zmq_errno());
    close(0);
    return false;
}

void Link::close(int linger_ms) {
    if (dealer_ != nullptr) {
        zmq_socket_monitor(dealer_, nullptr, 0);
        set(dealer_, ZMQ_LINGER, linger_ms);
        zmq_close(dealer_);
    }
    if (monitor_ != nullptr) zmq_close(monitor_);
    dealer_ = monitor_ = nullptr;
}

bool Link::send(const std::vector<uint8_t>& header, const std::vector<Part>& parts) {
    const int more = parts.empty() ? 0 : ZMQ_SNDMORE;
    if (dealer_ == nullptr || zmq_send(dealer_, header.data(), header.size(), ZMQ_DONTWAIT | more) < 0) return false;
    for (size_t at = 0; at < parts.size(); ++at) {
        if (send_part(parts[at], at + 1 < parts.size())) continue;
        lost_ = true; /* half a message is out, and whatever came next would be taken for its other half */
        return false;
    }
    return true;
}

bool Link::send_part(const Part& part, bool more) {
    zmq_msg_t message;
    auto kept = std::make_unique<Part>(part);
    /* ZeroMQ only reads what it is handed, but says so nowhere in its types. */
    if (zmq_msg_init_data(&message, const_cast<uint8_t*>(part.data), part.size, let_go, kept.get()) != 0) return false;
    static_cast<void>(kept.release()); /* the message's, which lets go of it in whatever way it ends */
    if (zmq_msg_send(&message, dealer_, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0) return true;
    zmq_msg_close(&message);
    return false;
}

bool Link::receive(std::vector<uint8_t>& header, std::vector<Part>& parts) {
    parts.clear();
    if (dealer_ == nullptr) return false;
    for (bool more = true, first = true; more; first = false) {
        const std::shared_ptr<zmq_msg_t> part(new zmq_msg_t, close_message);
        zmq_msg_init(part.get());
        if (zmq_msg_recv(part.get(), dealer_, ZMQ_DONTWAIT) < 0) return false;
        const auto* data = static_cast<const uint8_t*>(zmq_msg_data(part.get()));
        const size_t size = zmq_msg_size(part.get());
        more = zmq_msg_more(part.get()) != 0;
        if (first)
            header.assign(data, data + size);
        else if (parts.size() < WP_RING_MAX_PLANES) /* one with more is none that was agreed */
            parts.push_back({part, data, size});
    }
    return true;
}

void Link::wait(long timeout_ms) {
    zmq_pollitem_t items[] = {{ear_, 0, ZMQ_POLLIN, 0}, {dealer_, 0, ZMQ_POLLIN, 0}, {monitor_, 0, ZMQ_POLLIN, 0}};
    zmq_poll(items, dealer_ != nullptr ? 3 : 1, timeout_ms);
    char rung;
    while (zmq_recv(ear_, &rung, 1, ZMQ_DONTWAIT) >= 0) {
    }
    read_monitor();
}

void Link::wake() {
    if (bell_ != nullptr) zmq_send(bell_, "", 1, ZMQ_DONTWAIT);
}

void Link::read_monitor() {
    if (monitor_ == nullptr) return;
    uint8_t event[6]; /* a 16 bit event and a 32 bit value, then a part with the address */
    char address[256];
    while (zmq_recv(monitor_, event, sizeof event, ZMQ_DONTWAIT) >= 0) {
        zmq_recv(monitor_, address, sizeof address, ZMQ_DONTWAIT);
        uint16_t kind;
        std::memcpy(&kind, event, sizeof kind);
        if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) connected_ = true;
        if (kind == ZMQ_EVENT_DISCONNECTED) lost_ = connected_;
    }
}

}  // namespace worldplate

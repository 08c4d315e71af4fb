#include "session.hpp"

#include <stdexcept>
#include <utility>

#include "client.hpp"
#include "wire.hpp"

namespace worldplate::gpu {
namespace {

constexpr long kPatienceMs = 5000;

}  // namespace

Session::Session(const std::string& connection_file) : file_(connection_file) {
    auto found = find_connection(file_);
    if (const auto* why = std::get_if<std::string>(&found)) throw std::runtime_error(*why);
    connection_ = std::get<Connection>(found);
    if (!link_.open(connection_.endpoint, limits_.max_message_bytes)) throw std::runtime_error(link_.error());
    for (long waited = 0; !link_.connected(); waited += 10) {
        if (waited > kPatienceMs) throw std::runtime_error("the renderer takes no connection");
        link_.wait(10);
    }
}

Welcome Session::greet(Hello hello) {
    hello.token = connection_.token;
    if (!say(hello)) throw std::runtime_error("HELLO was not taken");
    const std::optional<Message> answer = hear(kPatienceMs);
    if (answer && std::holds_alternative<Welcome>(*answer)) return std::get<Welcome>(*answer);
    if (answer && std::holds_alternative<Reject>(*answer)) throw std::runtime_error(std::get<Reject>(*answer).text);
    throw std::runtime_error("the renderer does not answer HELLO");
}

bool Session::say(const Message& message) { return link_.send(encode(message)); }

std::optional<Message> Session::hear(long timeout_ms) {
    const uint64_t until_ns = now_ns() + static_cast<uint64_t>(timeout_ms) * 1'000'000;
    std::vector<uint8_t> header;
    std::vector<Part> parts;
    while (!link_.lost()) {
        if (link_.receive(header, parts)) {
            auto decoded = decode(header.data(), header.size(), limits_);
            if (const auto* refusal = std::get_if<Refusal>(&decoded)) throw std::runtime_error(refusal->text);
            Message message = std::get<Message>(std::move(decoded));
            auto* status = std::get_if<Status>(&message);
            if (status == nullptr) return message;
            gpu_figures_ = std::move(status->gpu);
            continue;
        }
        const uint64_t now = now_ns();
        if (now >= until_ns) return std::nullopt;
        link_.wait(static_cast<long>((until_ns - now) / 1'000'000) + 1);
    }
    return std::nullopt;
}

std::string Session::planes_refused() {
    const std::optional<Message> answer = hear(kPatienceMs);
    const PlanesAck* ack = answer ? std::get_if<PlanesAck>(&*answer) : nullptr;
    if (ack == nullptr) return "the hand-over was not answered";
    return ack->ok ? "" : ack->code + ": " + ack->text;
}

Answer Session::ask(const Frame& frame) {
    Answer answer;
    std::optional<Message> message = say(frame) ? hear(kPatienceMs) : std::nullopt;
    while (message && !is_last(*message, answer)) message = hear(kPatienceMs);
    if (!message && answer.why_not.empty()) answer.why_not = "the renderer does not answer";
    return answer;
}

/* Whether nothing more will come for a frame. WELCOME comes with `cuda` too, when the model was changed. */
bool Session::is_last(const Message& message, Answer& answer) const {
    if (const auto* result = std::get_if<Result>(&message)) {
        answer.result = *result;
        answer.why_not.clear();
        return true;
    }
    if (const auto* error = std::get_if<Error>(&message)) {
        answer.why_not = error->code + ": " + error->text;
        return error->code != WP_ERROR_DEVICE_FAILED && error->code != WP_ERROR_DEVICE_TIMEOUT;
    }
    const auto* welcome = std::get_if<Welcome>(&message);
    if (welcome == nullptr || welcome->transport == WP_TRANSPORT_CUDA) return false;
    answer.moved_to = word_of(welcome->transport);
    answer.why_not = welcome->transport_reason;
    return true;
}

std::string Session::handles_socket() const {
    return file_.substr(0, file_.rfind('/') + 1) + "handles-" + std::to_string(connection_.pid) + ".sock";
}

}  // namespace worldplate::gpu

#include "connection_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "system.hpp"

namespace worldplate {
namespace {

constexpr size_t kMostBytes = 4096;
constexpr const char* kStart = " Start one with `worldplate serve`.";

bool is_port(const std::string& text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_local(const std::string& endpoint) {
    if (endpoint.rfind("ipc://", 0) == 0) return endpoint.size() > 6;
    for (const char* host : {"tcp://127.0.0.1:", "tcp://[::1]:"})
        if (endpoint.rfind(host, 0) == 0) return is_port(endpoint.substr(std::string(host).size()));
    return false;
}

bool is_token(const std::string& text) {
    return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::variant<Connection, std::string> find_connection(const std::string& path) {
    std::string why;
    const auto content = read_private(path, kMostBytes, why);
    if (!content) return why + kStart;
    const auto json = nlohmann::json::parse(*content, nullptr, false);
    const auto is = [&json](const char* key, auto test) { return json.is_object() && json.contains(key) && (json[key].*test)(); };
    using Json = nlohmann::json;
    if (!is("endpoint", &Json::is_string) || !is("token", &Json::is_string) || !is("pid", &Json::is_number_integer))
        return path + " is not a connection file: remove it." + kStart;
    Connection found{json["endpoint"], json["token"], json["pid"]};
    if (!is_local(found.endpoint) || !is_token(found.token) || found.pid < 1)
        return path + " does not name a renderer on this machine: remove it." + kStart;
    const int64_t start_ticks = is("pid_start", &Json::is_number_integer) ? json["pid_start"].get<int64_t>() : 0;
    if (!process_lives(found.pid, start_ticks))
        return "No renderer: process " + std::to_string(found.pid) + " of " + path + " is gone." + kStart;
    return found;
}

}  // namespace worldplate

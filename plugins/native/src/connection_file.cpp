#include "connection_file.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include "segment.hpp"

namespace worldplate {
namespace {

constexpr size_t kMostBytes = 4096;
constexpr const char* kStart = " Start one with `worldplate serve`.";

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

/* The file's bytes; an error text when it cannot be read or is not private. */
std::variant<std::string, int> read_private(const std::string& path, std::string& error) {
    std::array<char, kMostBytes> bytes{};
#ifdef _WIN32
    std::FILE* file = nullptr; /* the temporary folder is private by its access list */
    if (fopen_s(&file, path.c_str(), "rb") != 0 || file == nullptr) {
        error = "No renderer: " + path + " does not exist." + kStart;
        return 1;
    }
    const size_t size = std::fread(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
#else
    const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        error = "No renderer: " + path + " cannot be opened." + kStart;
        return 1;
    }
    struct stat status {};
    const bool is_private = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == getuid() &&
                            (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    const ssize_t got = is_private ? read(file, bytes.data(), bytes.size()) : -1;
    close(file);
    if (got < 0) {
        error = path + " is not private to this user: remove it." + kStart;
        return 1;
    }
    const auto size = static_cast<size_t>(got);
#endif
    return std::string(bytes.data(), size);
}

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

bool lives(int64_t pid, int64_t start_ticks) {
    const int64_t started = process_start_ticks(pid);
    return started < 0 || (started > 0 && (start_ticks == 0 || start_ticks == started));
}

}  // namespace

std::string default_connection_file() {
    const std::string runtime = from_environment("XDG_RUNTIME_DIR");
#ifdef _WIN32
    const std::string temporary = from_environment("TEMP");
    const std::string user = from_environment("USERNAME");
#else
    const std::string temporary = from_environment("TMPDIR").empty() ? "/tmp" : from_environment("TMPDIR");
    const std::string user = std::to_string(getuid());
    struct stat status {};
    if (!runtime.empty() && stat(runtime.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        return runtime + "/worldplate/connection.json";
#endif
    return temporary + "/worldplate-" + user + "/connection.json";
}

std::variant<Connection, std::string> find_connection(const std::string& path) {
    std::string error;
    const auto content = read_private(path, error);
    if (!error.empty()) return error;
    const auto json = nlohmann::json::parse(std::get<std::string>(content), nullptr, false);
    const auto is = [&json](const char* key, auto test) { return json.is_object() && json.contains(key) && (json[key].*test)(); };
    using Json = nlohmann::json;
    if (!is("endpoint", &Json::is_string) || !is("token", &Json::is_string) || !is("pid", &Json::is_number_integer))
        return path + " is not a connection file: remove it." + kStart;
    Connection found{json["endpoint"], json["token"], json["pid"]};
    if (!is_local(found.endpoint) || !is_token(found.token) || found.pid < 1)
        return path + " does not name a renderer on this machine: remove it." + kStart;
    const int64_t start_ticks = is("pid_start", &Json::is_number_integer) ? json["pid_start"].get<int64_t>() : 0;
    if (!lives(found.pid, start_ticks))
        return "No renderer: process " + std::to_string(found.pid) + " of " + path + " is gone." + kStart;
    return found;
}

}  // namespace worldplate

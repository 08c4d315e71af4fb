/* Linux and other systems with POSIX. */
#ifndef _WIN32
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "system.hpp"

namespace worldplate {
namespace {

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool is_private(int file) {
    struct stat status {};
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == getuid() &&
           (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

#ifdef __linux__

/* 0 when it does not run. */
int64_t start_ticks_of(int64_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string status((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const size_t end = status.rfind(')'); /* the command before it may hold spaces and parentheses */
    if (end == std::string::npos) return 0;
    size_t at = end + 2;
    const char state = at < status.size() ? status[at] : 'X';
    if (state == 'Z' || state == 'X') return 0; /* a zombie does not run */
    for (int skipped = 0; skipped < 19; ++skipped) at = status.find(' ', at) + 1;
    return std::strtoll(status.c_str() + at, nullptr, 10);
}

#endif

}  // namespace

int64_t process_id() { return getpid(); }

#ifdef __linux__

int64_t process_start_ticks() { return start_ticks_of(process_id()); }

bool process_lives(int64_t pid, int64_t start_ticks) {
    const int64_t started = start_ticks_of(pid);
    return started > 0 && (start_ticks == 0 || start_ticks == started);
}

void give_way() noexcept {
    const sched_param priority{};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &priority);
    pthread_setname_np(pthread_self(), "worldplate");
}

#else

int64_t process_start_ticks() { return 0; }

bool process_lives(int64_t, int64_t) { return true; }

void give_way() noexcept {}

#endif

std::string default_connection_file() {
    const std::string runtime = from_environment("XDG_RUNTIME_DIR");
    struct stat status {};
    if (!runtime.empty() && stat(runtime.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        return runtime + "/worldplate/connection.json";
    const std::string temporary = from_environment("TMPDIR");
    return (temporary.empty() ? "/tmp" : temporary) + "/worldplate-" + std::to_string(getuid()) + "/connection.json";
}

std::optional<std::string> read_private(const std::string& path, size_t most_bytes, std::string& why) {
    const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        why = "No renderer: " + path + " cannot be opened.";
        return std::nullopt;
    }
    std::string bytes(most_bytes, '\0');
    const ssize_t got = is_private(file) ? read(file, bytes.data(), bytes.size()) : -1;
    close(file);
    if (got < 0) {
        why = path + " is not private to this user: remove it.";
        return std::nullopt;
    }
    bytes.resize(static_cast<size_t>(got));
    return bytes;
}

}  // namespace worldplate
#endif

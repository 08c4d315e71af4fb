#include "segment.hpp"

#include <cstring>
#include <random>

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#endif

namespace worldplate {

int64_t process_id() {
#ifdef _WIN32
    return _getpid();
#else
    return getpid();
#endif
}

Segment::Segment(std::string name, std::string path, uint8_t* memory, size_t bytes, int64_t owner)
    : name_(std::move(name)), path_(std::move(path)), memory_(memory), bytes_(bytes), owner_(owner) {}

#ifdef __linux__

namespace {

std::string random_name() {
    std::random_device random;
    std::string name = "worldplate-";
    for (int digit = 0; digit < 32; ++digit) name += "0123456789abcdef"[random() % 16];
    return name;
}

Outcome no_memory(size_t bytes, int error) {
    return {WP_NO_MEMORY, "No shared memory of " + std::to_string(bytes) + " bytes (" + std::strerror(error) +
                              "): make /dev/shm larger, use a smaller picture or fewer slots, or `inline_only`."};
}

}  // namespace

std::unique_ptr<Segment> Segment::create(size_t bytes, Outcome& outcome) {
    const std::string name = random_name();
    const std::string path = "/dev/shm/" + name;
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        outcome = no_memory(bytes, errno);
        return nullptr;
    }
    /* The pages are taken now, because one that cannot be had later is a SIGBUS and not an error. */
    int error = fchmod(file, 0600) == 0 && ftruncate(file, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
    if (error == 0) error = posix_fallocate(file, 0, static_cast<off_t>(bytes));
    void* memory = MAP_FAILED;
    if (error == 0) {
        memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
        error = memory == MAP_FAILED ? errno : 0;
    }
    close(file);
    if (error != 0) {
        unlink(path.c_str());
        outcome = no_memory(bytes, error);
        return nullptr;
    }
    outcome = {};
    return std::unique_ptr<Segment>(new Segment(name, path, static_cast<uint8_t*>(memory), bytes, process_id()));
}

Segment::~Segment() {
    if (process_id() == owner_) unlink(path_.c_str());
    munmap(memory_, bytes_);
}

int64_t process_start_ticks(int64_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string status((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const size_t end = status.rfind(')'); /* the command before it may hold spaces and parentheses */
    if (end == std::string::npos) return 0;
    std::string field;
    size_t at = end + 2;
    const char state = at < status.size() ? status[at] : 'X';
    if (state == 'Z' || state == 'X') return 0; /* a zombie does not run */
    for (int skipped = 0; skipped < 19; ++skipped) at = status.find(' ', at) + 1;
    return std::strtoll(status.c_str() + at, nullptr, 10);
}

#else

std::unique_ptr<Segment> Segment::create(size_t, Outcome& outcome) {
    outcome = {WP_NOT_SUPPORTED, "Shared memory rings need Linux in this version: planes travel inline."};
    return nullptr;
}

Segment::~Segment() { static_cast<void>(owner_); }

int64_t process_start_ticks(int64_t) { return -1; }

#endif

}  // namespace worldplate

/* Files of /dev/shm; other systems with POSIX have none yet. */
#ifndef _WIN32
#include "segment.hpp"

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "system.hpp"

namespace worldplate {
namespace {

Outcome no_memory(size_t bytes, int error) {
    return {WP_NO_MEMORY, "No shared memory of " + std::to_string(bytes) + " bytes (" + std::strerror(error) +
                              "): make /dev/shm larger, use a smaller picture or fewer slots, or `inline_only`."};
}

class SharedFile final : public Segment {
public:
    SharedFile(std::string name, std::string path, uint8_t* memory, size_t bytes)
        : Segment(std::move(name), memory, bytes), path_(std::move(path)), owner_(process_id()) {}

    ~SharedFile() override {
        if (process_id() == owner_) unlink(path_.c_str());
        munmap(memory(), bytes());
    }

private:
    std::string path_;
    int64_t owner_; /* pid: a forked child must not take its parent's segment away */
};

/* The file's memory, or an error of errno. The pages are taken now, because one that cannot be had later is a SIGBUS and
   not an error. */
int take_pages(int file, size_t bytes, void*& memory) {
    if (fchmod(file, 0600) != 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) return errno;
    if (const int error = posix_fallocate(file, 0, static_cast<off_t>(bytes)); error != 0) return error;
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    return memory == MAP_FAILED ? errno : 0;
}

}  // namespace

bool has_segments() { return true; }

std::unique_ptr<Segment> Segment::create(size_t bytes, Outcome& outcome) {
    const std::string name = random_name();
    const std::string path = "/dev/shm/" + name;
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        outcome = no_memory(bytes, errno);
        return nullptr;
    }
    void* memory = nullptr;
    const int error = take_pages(file, bytes, memory);
    close(file);
    if (error != 0) {
        unlink(path.c_str());
        outcome = no_memory(bytes, error);
        return nullptr;
    }
    outcome = {};
    return std::make_unique<SharedFile>(name, path, static_cast<uint8_t*>(memory), bytes);
}

}  // namespace worldplate

#else

namespace worldplate {

bool has_segments() { return false; }

std::unique_ptr<Segment> Segment::create(size_t, Outcome& outcome) {
    outcome = {WP_NOT_SUPPORTED, "Shared memory rings need Linux or Windows in this version: planes travel inline."};
    return nullptr;
}

}  // namespace worldplate
#endif
#endif

/* What each operating system has of its own: its processes, its threads, and the files of one user. system_posix.cpp and
   system_windows.cpp have it, segment_posix.cpp and segment_windows.cpp have shared memory; no other file of this library
   asks which system it is on. */
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace worldplate {

/* This process. */
int64_t process_id();

/* When this process began, in clock ticks since boot; 0 where that cannot be known. */
int64_t process_start_ticks();

/* Whether the process runs that had this id and began then; `start_ticks` 0: at whatever time. True where that cannot be
   known. */
bool process_lives(int64_t pid, int64_t start_ticks);

/* This thread lets others of the process go first: it copies megabytes while they have a frame to finish. Where that is
   not allowed, all is as it was. */
void give_way() noexcept;

/* Where a renderer of this user writes its connection file, UTF-8: on Windows %LOCALAPPDATA%\worldplate, elsewhere
   $XDG_RUNTIME_DIR/worldplate, else a folder of the user's own in the temporary one. */
std::string default_connection_file();

/* The first `most_bytes` of a file, UTF-8 its path, that nobody but this user (and the system's administrators) can read
   or write, and that is not a link; else nothing, and why. */
std::optional<std::string> read_private(const std::string& path, size_t most_bytes, std::string& why);

}  // namespace worldplate

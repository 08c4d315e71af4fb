# For x86-64 Windows, with mingw-w64 and POSIX threads: cmake --toolchain plugins/native/windows/toolchain.cmake
# What is built needs no library but those of Windows: the compiler's own are linked into it.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_VERSION 10.0)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_SHARED_LINKER_FLAGS_INIT -static)
# Headers and libraries are looked for under CMAKE_PREFIX_PATH: those of this machine are for its own system.
set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)

/* Memory that runs out when a test wants it to: operator new fails when `is_scarce`, which the program defines, says so.
   For one source file of a program. */
#pragma once

#include <cstdlib>
#include <new>

bool is_scarce();

#if !defined(__has_feature)
#define __has_feature(name) 0
#endif
#if !__has_feature(thread_sanitizer) /* whose own cannot be replaced: there no allocation fails */
void* operator new(size_t size) {
    void* memory = is_scarce() ? nullptr : std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); } /* as libzmq asks */
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

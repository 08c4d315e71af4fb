/* What every file for Windows needs of it: owned handles, UTF-16, who the user is, and what is for him alone. */
#pragma once

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace worldplate {

struct CloseHandleOf {
    void operator()(HANDLE handle) const { CloseHandle(handle); }
};
/* Owns a handle of the kernel: it is closed when this is destroyed, and by nobody else. nullptr is none. */
using Handle = std::unique_ptr<void, CloseHandleOf>;

struct LocalFreeOf {
    void operator()(void* memory) const { LocalFree(memory); }
};
/* Owns memory that a function of Windows has taken with LocalAlloc. */
template <typename T>
using Local = std::unique_ptr<T, LocalFreeOf>;

/* UTF-8 to UTF-16; a byte that is no UTF-8 becomes U+FFFD. And back. */
std::wstring wide(const std::string& text);
std::string narrow(const std::wstring& text);

/* The security identifier of the user whose process it is; empty when Windows does not say. */
std::vector<uint8_t> user_sid(HANDLE process = GetCurrentProcess());

/* A security descriptor: everything for this user and nothing for anybody else, administrators too; nothing is inherited.
   nullptr when Windows does not say who the user is. */
Local<void> for_this_user_alone();

}  // namespace worldplate
#endif

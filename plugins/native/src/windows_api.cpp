#ifdef _WIN32
#include "windows_api.hpp"
#include <sddl.h>

#include <array>
#include <cstddef>

namespace worldplate {

std::wstring wide(const std::string& text) {
    const int size = static_cast<int>(text.size());
    std::wstring out(static_cast<size_t>(MultiByteToWideChar(CP_UTF8, 0, text.data(), size, nullptr, 0)), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), size, out.data(), static_cast<int>(out.size()));
    return out;
}

std::string narrow(const std::wstring& text) {
    const int size = static_cast<int>(text.size());
    const int bytes = WideCharToMultiByte(CP_UTF8, 0, text.data(), size, nullptr, 0, nullptr, nullptr);
    std::string out(static_cast<size_t>(bytes), '\0');
    WideCharToMultiByte(CP_UTF8, 0, text.data(), size, out.data(), bytes, nullptr, nullptr);
    return out;
}

std::vector<uint8_t> user_sid(HANDLE process) {
    HANDLE opened = nullptr;
    if (OpenProcessToken(process, TOKEN_QUERY, &opened) == 0) return {};
    const Handle token(opened);
    alignas(TOKEN_USER) std::array<std::byte, sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE> room{};
    DWORD size = 0;
    if (GetTokenInformation(token.get(), TokenUser, room.data(), static_cast<DWORD>(room.size()), &size) == 0) return {};
    TOKEN_USER* const user = reinterpret_cast<TOKEN_USER*>(room.data());
    std::vector<uint8_t> sid(GetLengthSid(user->User.Sid));
    if (CopySid(static_cast<DWORD>(sid.size()), sid.data(), user->User.Sid) == 0) return {};
    return sid;
}

Local<void> for_this_user_alone() {
    std::vector<uint8_t> sid = user_sid();
    wchar_t* text = nullptr;
    if (sid.empty() || ConvertSidToStringSidW(sid.data(), &text) == 0) return nullptr;
    const Local<wchar_t> kept(text);
    const std::wstring list = std::wstring(L"D:P(A;;GA;;;") + text + L")";
    PSECURITY_DESCRIPTOR made = nullptr;
    if (ConvertStringSecurityDescriptorToSecurityDescriptorW(list.c_str(), SDDL_REVISION_1, &made, nullptr) == 0)
        return nullptr;
    return Local<void>(made);
}

}  // namespace worldplate
#endif

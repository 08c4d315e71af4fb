/* Windows 10 and later. Every handle here is owned by the function that opened it. */
#ifdef _WIN32
#include "system.hpp"

#include "windows_api.hpp"
#include <aclapi.h>

namespace worldplate {
namespace {

/* An absolute path in the form that has no limit of 260 characters, and in which nothing is read as a device's name. */
std::wstring long_path(const std::string& path) {
    const std::wstring given = wide(path);
    std::wstring full(GetFullPathNameW(given.c_str(), 0, nullptr, nullptr), L'\0');
    full.resize(GetFullPathNameW(given.c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr));
    if (full.compare(0, 2, L"\\\\") != 0) return L"\\\\?\\" + full;
    if (full.compare(0, 4, L"\\\\?\\") == 0 || full.compare(0, 4, L"\\\\.\\") == 0) return full;
    return L"\\\\?\\UNC" + full.substr(1); /* \\server\share */
}

/* The user, and those who can read every file of a machine anyway. */
bool is_trusted(PSID sid, PSID user) {
    return EqualSid(sid, user) != 0 || IsWellKnownSid(sid, WinLocalSystemSid) != 0 ||
           IsWellKnownSid(sid, WinBuiltinAdministratorsSid) != 0 || IsWellKnownSid(sid, WinCreatorOwnerRightsSid) != 0;
}

/* Whether nobody else is allowed anything. A list that is not there allows everybody everything. */
bool is_closed_to_others(PACL list, PSID user) {
    if (list == nullptr) return false;
    for (DWORD at = 0; at < list->AceCount; ++at) {
        void* entry = nullptr;
        if (GetAce(list, at, &entry) == 0) return false;
        const auto* header = static_cast<const ACE_HEADER*>(entry);
        if ((header->AceFlags & INHERIT_ONLY_ACE) != 0 || header->AceType == ACCESS_DENIED_ACE_TYPE) continue;
        if (header->AceType != ACCESS_ALLOWED_ACE_TYPE) return false;
        if (!is_trusted(&static_cast<ACCESS_ALLOWED_ACE*>(entry)->SidStart, user)) return false;
    }
    return true;
}

bool is_private(HANDLE file) {
    BY_HANDLE_FILE_INFORMATION status{};
    constexpr DWORD other = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE;
    if (GetFileInformationByHandle(file, &status) == 0 || (status.dwFileAttributes & other) != 0) return false;
    PSID owner = nullptr;
    PACL list = nullptr;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    constexpr SECURITY_INFORMATION wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    if (GetSecurityInfo(file, SE_FILE_OBJECT, wanted, &owner, nullptr, &list, nullptr, &descriptor) != ERROR_SUCCESS)
        return false;
    const Local<void> kept(descriptor); /* `owner` and `list` point into it */
    std::vector<uint8_t> user = user_sid();
    return !user.empty() && owner != nullptr && is_trusted(owner, user.data()) && is_closed_to_others(list, user.data());
}

std::wstring from_environment(const wchar_t* name) {
    std::wstring value(GetEnvironmentVariableW(name, nullptr, 0), L'\0');
    value.resize(GetEnvironmentVariableW(name, value.data(), static_cast<DWORD>(value.size())));
    return value;
}

}  // namespace

int64_t process_id() { return static_cast<int64_t>(GetCurrentProcessId()); }

int64_t process_start_ticks() { return 0; }

bool process_lives(int64_t pid, int64_t start_ticks) {
    if (start_ticks != 0) return true; /* not of Windows, but of the system that runs us as Wine does */
    const Handle process(OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(pid)));
    if (process == nullptr) return GetLastError() != ERROR_INVALID_PARAMETER; /* none; another user's cannot be opened */
    return WaitForSingleObject(process.get(), 0) == WAIT_TIMEOUT;
}

void give_way() noexcept { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL); }

std::string default_connection_file() {
    const std::wstring own = from_environment(L"LOCALAPPDATA");
    if (!own.empty()) return narrow(own) + "\\worldplate\\connection.json";
    return narrow(from_environment(L"TEMP") + L"\\worldplate-" + from_environment(L"USERNAME")) + "\\connection.json";
}

std::optional<std::string> read_private(const std::string& path, size_t most_bytes, std::string& why) {
    constexpr DWORD shared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE; /* the next renderer replaces it */
    HANDLE opened = CreateFileW(long_path(path).c_str(), GENERIC_READ | READ_CONTROL, shared, nullptr, OPEN_EXISTING,
                                FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
    if (opened == INVALID_HANDLE_VALUE) {
        why = "No renderer: " + path + " cannot be opened.";
        return std::nullopt;
    }
    const Handle file(opened);
    std::string bytes(most_bytes, '\0');
    DWORD got = 0;
    if (!is_private(file.get()) || ReadFile(file.get(), bytes.data(), static_cast<DWORD>(most_bytes), &got, nullptr) == 0) {
        why = path + " is not private to this user: remove it.";
        return std::nullopt;
    }
    bytes.resize(got);
    return bytes;
}

}  // namespace worldplate
#endif

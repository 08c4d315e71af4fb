/* From a tree to typed fields, and back to bytes: what the generated messages.g.cpp is made of. A field that is absent
   where it must be there or of another type is WP_ERROR_MALFORMED_MESSAGE; one out of its range is
   WP_ERROR_INVALID_VALUE. */
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tree.hpp"
#include "words.g.hpp"
#include "writer.hpp"

namespace worldplate {

using ControlValue = std::variant<bool, int64_t, double, std::string>;
template <typename T>
using Map = std::vector<std::pair<std::string, T>>; /* in the order of the wire */

/* Bytes of the wire's type bin: little-endian arrays. */
struct Blob {
    std::vector<uint8_t> bytes;
    bool operator==(const Blob& other) const { return bytes == other.bytes; }
};

/* What a number, or the length of a text or list, must lie between; and the form of a text. */
struct Bounds {
    int64_t least = std::numeric_limits<int64_t>::min();
    int64_t most = std::numeric_limits<int64_t>::max();
    bool (*matches)(std::string_view) = nullptr;
};

/* The patterns of the schema's texts. */
bool is_session(std::string_view text);       /* 32 hexadecimal digits, lower case */
bool is_segment(std::string_view text);       /* worldplate- and 32 hexadecimal digits */
bool is_snapshot_name(std::string_view text); /* letters, digits, _ and - */

/* Reads the fields of one map. The first refusal stays, and all later reads are skipped. */
class Fields {
public:
    Fields(const Tree& tree, const Node& map, std::string path, std::optional<Refusal>& refusal)
        : tree_(tree), map_(map), path_(std::move(path)), refusal_(refusal) {}

    template <typename T>
    void required(const char* name, T& out, const Bounds& bounds = {}) {
        if (refusal_) return;
        if (const Node* node = tree_.find(map_, name)) return take(*node, path_ + "." + name, out, bounds);
        refuse(WP_ERROR_MALFORMED_MESSAGE, path_ + " has no field `" + name + "`");
    }
    template <typename T>
    void optional(const char* name, T& out, const Bounds& bounds = {}) {
        if (refusal_) return;
        if (const Node* node = tree_.find(map_, name)) take(*node, path_ + "." + name, out, bounds);
    }

private:
    void take(const Node&, const std::string& path, bool& out, const Bounds&);
    void take(const Node&, const std::string& path, int64_t& out, const Bounds&);
    void take(const Node&, const std::string& path, double& out, const Bounds&);
    void take(const Node&, const std::string& path, std::string& out, const Bounds&);
    void take(const Node&, const std::string& path, Blob& out, const Bounds&);
    void take(const Node&, const std::string& path, ControlValue& out, const Bounds&);

    template <typename T>
    void take(const Node& node, const std::string& path, std::optional<T>& out, const Bounds& bounds) {
        if (node.kind == Kind::null) return out.reset();
        take(node, path, out.emplace(), bounds);
    }
    template <typename T, size_t N>
    void take(const Node& node, const std::string& path, std::array<T, N>& out, const Bounds&) {
        if (!is(node, Kind::array, path, "a list")) return;
        if (node.count != N)
            return refuse(WP_ERROR_INVALID_VALUE, path + " has " + std::to_string(node.count) + " numbers");
        for (uint32_t at = 0; at < N && !refusal_; ++at) take(tree_.child(node, at), path, out[at], {});
    }
    template <typename T>
    void take(const Node& node, const std::string& path, std::vector<T>& out, const Bounds& bounds) {
        if (!is(node, Kind::array, path, "a list") || !holds(node.count, path, bounds)) return;
        out.clear();
        for (uint32_t at = 0; at < node.count && !refusal_; ++at)
            take(tree_.child(node, at), path + "[" + std::to_string(at) + "]", out.emplace_back(), element(out));
    }
    template <typename T>
    void take(const Node& node, const std::string& path, Map<T>& out, const Bounds&) {
        if (!is(node, Kind::map, path, "a map")) return;
        out.clear();
        for (uint32_t pair = 0; pair < node.count && !refusal_; ++pair) {
            const std::string key(tree_.child(node, 2 * pair).text);
            auto& entry = out.emplace_back(key, T{});
            take(tree_.child(node, 2 * pair + 1), path + "." + key, entry.second, {});
        }
    }
    /* Structs and enums, by the generated `read_fields` and `read_word`. */
    template <typename T>
    auto take(const Node& node, const std::string& path, T& out, const Bounds&)
        -> decltype(read_fields(std::declval<Fields&>(), out)) {
        if (!is(node, Kind::map, path, "a map")) return;
        Fields inner(tree_, node, path, refusal_);
        read_fields(inner, out);
    }
    template <typename T>
    auto take(const Node& node, const std::string& path, T& out, const Bounds&)
        -> decltype(static_cast<void>(read_word(std::string_view{}, out))) {
        if (!is(node, Kind::text, path, "a text")) return;
        if (!read_word(node.text, out)) refuse(WP_ERROR_INVALID_VALUE, path + " is no word of the protocol");
    }

    static Bounds element(const std::vector<std::string>&) { return {1, 64, nullptr}; }
    static Bounds element(const std::vector<int64_t>&) { return {0, UINT32_MAX, nullptr}; }
    template <typename T>
    static Bounds element(const std::vector<T>&) {
        return {};
    }

    bool is(const Node& node, Kind kind, const std::string& path, const char* name);
    bool holds(int64_t value, const std::string& path, const Bounds& bounds);
    void refuse(const char* code, std::string text);

    const Tree& tree_;
    const Node& map_;
    std::string path_;
    std::optional<Refusal>& refusal_;
};

inline void write(Writer& to, bool value) { to.boolean(value); }
inline void write(Writer& to, int64_t value) { to.integer(value); }
inline void write(Writer& to, double value) { to.real(value); }
inline void write(Writer& to, const std::string& value) { to.text(value); }
inline void write(Writer& to, const Blob& value) { to.blob(value.bytes.data(), value.bytes.size()); }
inline void write(Writer& to, const ControlValue& value) {
    std::visit([&to](const auto& held) { write(to, held); }, value);
}
template <typename T>
auto write(Writer& to, const T& value) -> decltype(static_cast<void>(word_of(value))) {
    to.text(word_of(value));
}
template <typename T>
void write(Writer& to, const std::optional<T>& value) {
    value ? write(to, *value) : to.null();
}
template <typename T, size_t N>
void write(Writer& to, const std::array<T, N>& values) {
    to.array(N);
    for (const T& value : values) write(to, value);
}
template <typename T>
void write(Writer& to, const std::vector<T>& values) {
    to.array(values.size());
    for (const T& value : values) write(to, value);
}
template <typename T>
void write(Writer& to, const Map<T>& values) {
    to.map(values.size());
    for (const auto& [name, value] : values) {
        to.text(name);
        write(to, value);
    }
}
template <typename T>
void write_field(Writer& to, const char* name, const T& value) {
    to.text(name);
    write(to, value);
}

}  // namespace worldplate

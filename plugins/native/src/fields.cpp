#include "fields.hpp"

#include <algorithm>

#include "utf8.hpp"
#include "worldplate_schema.h"

namespace worldplate {
namespace {

bool is_hexadecimal(std::string_view text, size_t size) {
    return text.size() == size &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool is_session(std::string_view text) { return is_hexadecimal(text, 32); }

bool is_segment(std::string_view text) {
    constexpr std::string_view prefix = "worldplate-";
    return text.substr(0, prefix.size()) == prefix && is_hexadecimal(text.substr(prefix.size()), 32);
}

bool is_snapshot_name(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    });
}

void Fields::refuse(const char* code, std::string text) {
    refusal_ = Refusal{code, std::move(text), "Send the fields as PROTOCOL.md has them."};
}

bool Fields::is(const Node& node, Kind kind, const std::string& path, const char* name) {
    if (node.kind == kind) return true;
    refuse(WP_ERROR_MALFORMED_MESSAGE, path + " is not " + name);
    return false;
}

bool Fields::holds(int64_t value, const std::string& path, const Bounds& bounds) {
    if (value >= bounds.least && value <= bounds.most) return true;
    refuse(WP_ERROR_INVALID_VALUE, path + " is or has the length " + std::to_string(value) + ", not " +
                                       std::to_string(bounds.least) + ".." + std::to_string(bounds.most));
    return false;
}

void Fields::take(const Node& node, const std::string& path, bool& out, const Bounds&) {
    if (is(node, Kind::boolean, path, "true or false")) out = node.boolean;
}

void Fields::take(const Node& node, const std::string& path, int64_t& out, const Bounds& bounds) {
    if (node.kind == Kind::unsigned_integer)
        return refuse(WP_ERROR_INVALID_VALUE, path + " is " + std::to_string(node.unsigned_integer));
    if (is(node, Kind::integer, path, "an integer") && holds(node.integer, path, bounds)) out = node.integer;
}

void Fields::take(const Node& node, const std::string& path, double& out, const Bounds&) {
    if (node.kind == Kind::integer)
        out = static_cast<double>(node.integer);
    else if (node.kind == Kind::unsigned_integer)
        out = static_cast<double>(node.unsigned_integer);
    else if (is(node, Kind::real, path, "a number"))
        out = node.real;
}

void Fields::take(const Node& node, const std::string& path, std::string& out, const Bounds& bounds) {
    if (!is(node, Kind::text, path, "a text")) return;
    if (!holds(static_cast<int64_t>(characters(node.text)), path, bounds)) return;
    if (bounds.matches != nullptr && !bounds.matches(node.text))
        return refuse(WP_ERROR_INVALID_VALUE, path + " is not of its form");
    out = node.text;
}

void Fields::take(const Node& node, const std::string& path, Blob& out, const Bounds&) {
    if (is(node, Kind::blob, path, "bin")) out.bytes.assign(node.text.begin(), node.text.end());
}

void Fields::take(const Node& node, const std::string& path, ControlValue& out, const Bounds&) {
    switch (node.kind) {
        case Kind::boolean: out = node.boolean; break;
        case Kind::integer: out = node.integer; break;
        case Kind::unsigned_integer: out = static_cast<double>(node.unsigned_integer); break;
        case Kind::real: out = node.real; break;
        case Kind::text: out = std::string(node.text); break;
        default: refuse(WP_ERROR_MALFORMED_MESSAGE, path + " is not a value of a control");
    }
}

}  // namespace worldplate

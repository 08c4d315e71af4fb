#include "tree.hpp"

#include "utf8.hpp"
#include "worldplate_schema.h"

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include <algorithm>
#include <limits>
#include <msgpack/null_visitor.hpp>
#include <msgpack/unpack.hpp> /* parse.hpp needs it, and does not include it */
#include <msgpack/parse.hpp>

namespace worldplate {
namespace {

constexpr const char* kSendMap = "Send one whole msgpack map.";

/* Builds the tree as msgpack-cxx reads; every `false` stops the reading. */
class Builder : public msgpack::null_visitor {
public:
    Builder(Tree& tree, const TreeLimits& limits) : tree_(tree), limits_(limits) {}

    Refusal refusal{WP_ERROR_MALFORMED_MESSAGE, "the header is not msgpack", kSendMap};

    bool visit_nil() { return add({}); }
    bool visit_boolean(bool value) {
        Node node;
        node.kind = Kind::boolean;
        node.boolean = value;
        return add(node);
    }
    bool visit_positive_integer(uint64_t value) {
        Node node;
        const bool fits = value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        node.kind = fits ? Kind::integer : Kind::unsigned_integer;
        node.integer = fits ? static_cast<int64_t>(value) : 0;
        node.unsigned_integer = value;
        return add(node);
    }
    bool visit_negative_integer(int64_t value) {
        Node node;
        node.kind = Kind::integer;
        node.integer = value;
        return add(node);
    }
    bool visit_float32(float value) { return visit_float64(static_cast<double>(value)); }
    bool visit_float64(double value) {
        Node node;
        node.kind = Kind::real;
        node.real = value;
        return add(node);
    }
    bool visit_str(const char* data, uint32_t size) {
        if (!is_utf8(data, size)) return refuse("the header has text that is not UTF-8", kSendMap);
        return add_bytes(Kind::text, data, size);
    }
    bool visit_bin(const char* data, uint32_t size) { return add_bytes(Kind::blob, data, size); }
    bool visit_ext(const char*, uint32_t) {
        return refuse("the header has an extension type", "Send plain msgpack types only.");
    }
    bool start_array(uint32_t count) { return open(Kind::array, count, limits_.max_entries, count); }
    bool end_array() { return close(); }
    bool start_map(uint32_t count) { return open(Kind::map, count, limits_.max_keys, size_t{2} * count); }
    bool start_map_key() {
        at_key_ = true;
        return true;
    }
    bool end_map_key() {
        at_key_ = false;
        return true;
    }
    bool end_map() { return no_key_twice(tree_.nodes[open_.back().node]) && close(); }

private:
    struct Open {
        uint32_t node, next; /* where the next child goes */
    };

    bool refuse(const char* text, const char* fix) {
        refusal = {WP_ERROR_MALFORMED_MESSAGE, text, fix};
        return false;
    }
    bool over(const char* what, size_t value, size_t limit, const char* setting) {
        refusal = {WP_ERROR_LIMIT_EXCEEDED,
                   std::string(what) + " is " + std::to_string(value) + ", the limit is " + std::to_string(limit),
                   std::string("Send less, or raise `") + setting + "`."};
        return false;
    }
    bool add(const Node& node) {
        if (at_key_ && node.kind != Kind::text) return refuse("the header has a key that is no text", kSendMap);
        const auto index = static_cast<uint32_t>(tree_.nodes.size());
        tree_.nodes.push_back(node);
        if (!open_.empty()) tree_.children[open_.back().next++] = index;
        return true;
    }
    bool add_bytes(Kind kind, const char* data, uint32_t size) {
        Node node;
        node.kind = kind;
        node.text = {data, size};
        return add(node);
    }
    bool open(Kind kind, uint32_t count, size_t most, size_t room) {
        if (count > most) return refuse("the header has an array or map with too many entries", kSendMap);
        if (++containers_ > limits_.max_nodes)
            return over("the number of maps and arrays in the header", containers_, limits_.max_nodes, "max_nodes");
        if (open_.size() >= limits_.max_depth)
            return over("nesting of the header", open_.size() + 1, limits_.max_depth, "max_depth");
        Node node;
        node.kind = kind;
        node.first = static_cast<uint32_t>(tree_.children.size());
        node.count = count;
        const auto index = static_cast<uint32_t>(tree_.nodes.size());
        if (!add(node)) return false;
        tree_.children.resize(tree_.children.size() + room);
        open_.push_back({index, node.first});
        at_key_ = false;
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }
    bool no_key_twice(const Node& map) {
        keys_.clear();
        for (uint32_t pair = 0; pair < map.count; ++pair) keys_.push_back(tree_.child(map, 2 * pair).text);
        std::sort(keys_.begin(), keys_.end());
        if (std::adjacent_find(keys_.begin(), keys_.end()) == keys_.end()) return true;
        return refuse("the header has a map with a key twice", "Send each key once.");
    }

    Tree& tree_;
    const TreeLimits& limits_;
    std::vector<Open> open_;
    std::vector<std::string_view> keys_;
    size_t containers_ = 0;
    bool at_key_ = false;
};

}  // namespace

const Node* Tree::find(const Node& map, std::string_view key) const {
    for (uint32_t pair = 0; pair < map.count; ++pair)
        if (child(map, 2 * pair).text == key) return &child(map, 2 * pair + 1);
    return nullptr;
}

std::variant<Tree, Refusal> parse_tree(const uint8_t* bytes, size_t size, const TreeLimits& limits) {
    if (size > limits.max_message_bytes)
        return Refusal{WP_ERROR_LIMIT_EXCEEDED,
                       "message size in bytes is " + std::to_string(size) + ", the limit is " +
                           std::to_string(limits.max_message_bytes),
                       "Send less, or raise `max_message_bytes`."};
    Tree tree;
    Builder builder(tree, limits);
    size_t offset = 0;
    const bool whole = msgpack::parse(reinterpret_cast<const char*>(bytes), size, offset, builder);
    if (!whole) return builder.refusal;
    if (offset != size) return Refusal{WP_ERROR_MALFORMED_MESSAGE, "the header has bytes after its map", kSendMap};
    return tree;
}

}  // namespace worldplate

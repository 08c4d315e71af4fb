/* A header's msgpack as a flat tree, every length, its nesting and its size bounded while it is read. Texts and blobs
   point into the bytes that were read, which must outlive the tree. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace worldplate {

/* Why a message cannot be taken: an error code of worldplate_schema.h, and what to do, for a person. */
struct Refusal {
    const char* code;
    std::string text, fix;
};

enum class Kind : uint8_t { null, boolean, integer, unsigned_integer, real, text, blob, array, map };

struct Node {
    Kind kind = Kind::null;
    bool boolean = false;
    int64_t integer = 0;           /* negative ones, and unsigned ones up to 2^63 - 1 */
    uint64_t unsigned_integer = 0; /* larger ones */
    double real = 0.0;
    std::string_view text; /* text and blob */
    uint32_t first = 0;    /* array and map: of `children`; a map has key, value, key, value, ... */
    uint32_t count = 0;    /* entries of an array, pairs of a map */
};

struct Tree {
    std::vector<Node> nodes;
    std::vector<uint32_t> children;
    uint32_t root = 0;

    const Node& child(const Node& of, uint32_t at) const { return nodes[children[of.first + at]]; }
    /* The value of a key; nullptr when it is not there. */
    const Node* find(const Node& map, std::string_view key) const;
};

struct TreeLimits {
    size_t max_message_bytes, max_depth, max_nodes, max_keys, max_entries;
};

std::variant<Tree, Refusal> parse_tree(const uint8_t* bytes, size_t size, const TreeLimits& limits);

}  // namespace worldplate

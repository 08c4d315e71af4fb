#include "wire.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "checks.hpp"

namespace worldplate {
namespace {

constexpr int64_t kMostKeys = 256;     /* of one map; the schema's largest holds max_controls */
constexpr int64_t kMostEntries = 4096; /* of one array; the schema's largest is CONTROL's engine_objects */

TreeLimits tree_limits(size_t size, const Limits& limits) {
    const auto most = static_cast<int64_t>(size);
    return {static_cast<size_t>(limits.max_message_bytes), static_cast<size_t>(limits.max_depth),
            static_cast<size_t>(limits.max_nodes),
            static_cast<size_t>(std::min(most, std::max(kMostKeys, limits.max_controls))),
            static_cast<size_t>(std::min(most, kMostEntries))};
}

std::variant<Message, Refusal> typed(const Tree& tree) {
    const Node& root = tree.nodes[tree.root];
    if (root.kind != Kind::map)
        return Refusal{WP_ERROR_MALFORMED_MESSAGE, "the header is not a map", "Send one msgpack map per message."};
    const Node* type = tree.find(root, "type");
    const bool is_text = type != nullptr && type->kind == Kind::text;
    std::optional<Message> message = is_text ? message_of(type->text) : std::nullopt;
    if (!message)
        return Refusal{WP_ERROR_UNKNOWN_TYPE, "the message is of a type that is not known",
                       "Update the side that is older; see PROTOCOL.md."};
    std::optional<Refusal> refusal;
    Fields fields(tree, root, std::string(type->text), refusal);
    read_fields(fields, *message);
    if (refusal) return std::move(*refusal);
    return std::move(*message);
}

std::variant<Message, Refusal> checked(const uint8_t* bytes, size_t size, const Limits& limits) {
    auto parsed = parse_tree(bytes, size, tree_limits(size, limits));
    if (auto* refusal = std::get_if<Refusal>(&parsed)) return std::move(*refusal);
    auto message = typed(std::get<Tree>(parsed));
    if (auto* held = std::get_if<Message>(&message))
        if (auto refusal = check_values(*held, limits)) return std::move(*refusal);
    return message;
}

}  // namespace

std::vector<uint8_t> encode(const Message& message) {
    Writer writer;
    write(writer, message);
    return std::move(writer.bytes);
}

std::variant<Message, Refusal> decode(const uint8_t* bytes, size_t size, const Limits& limits) noexcept {
    try {
        return checked(bytes, size, limits);
    } catch (const std::exception&) { /* std::bad_alloc; the words for it must fit into a string without more memory */
        return Refusal{WP_ERROR_LIMIT_EXCEEDED, "no memory", "Send less."};
    }
}

}  // namespace worldplate

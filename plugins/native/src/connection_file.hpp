/* How an engine finds the renderer: the connection file in the user's private folder; as bridge/connection.py. */
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace worldplate {

struct Connection {
    std::string endpoint, token;
    int64_t pid = 0;
    bool operator==(const Connection& other) const {
        return endpoint == other.endpoint && token == other.token && pid == other.pid;
    }
};

/* The connection of a renderer that lives, or in words why there is none. The file must be as read_private of
   system.hpp says; its endpoint a Unix socket or loopback TCP. */
std::variant<Connection, std::string> find_connection(const std::string& path);

}  // namespace worldplate

/* What the tools that stand for an engine have in common. */
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "worldplate.h"

namespace {

[[noreturn]] void fail(const std::string& what) {
    std::printf("failed: %s (%s)\n", what.c_str(), wp_last_error());
    std::exit(1);
}

void must(wp_code code, const char* call) {
    if (code != WP_OK) fail(std::string(call) + ": " + wp_code_text(code));
}

wp_status status_of(wp_client client) {
    wp_status status;
    must(wp_get_status(client, &status), "wp_get_status");
    return status;
}

wp_link_state state_of(wp_client client) { return status_of(client).state; }

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

void until(wp_client client, wp_link_state state) {
    for (int waited_ms = 0; state_of(client) != state; waited_ms += 2) {
        if (waited_ms > 60000) fail("the state stayed " + std::to_string(static_cast<int>(state_of(client))) + ": " + status_of(client).error_text);
        sleep_ms(2);
    }
}

inline wp_pose pose_at(double x_m) { return {{x_m, 1.0, 0.0}, {0.0, 0.0, 0.0, 1.0}}; }

}  // namespace

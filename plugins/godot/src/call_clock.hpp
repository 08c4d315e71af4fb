// How long the engine's threads were inside this extension, tick by tick.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace worldplate::godot {

class CallClock {
public:
    using Clock = std::chrono::steady_clock;

    void add(Clock::duration time) { tick_ns_ += std::chrono::nanoseconds(time).count(); }

    // The tick that begins now is the next one.
    void next_tick() {
        const std::lock_guard lock(mutex_);
        if (begun_ && ticks_us_.size() < kMaxTicks)
            ticks_us_.push_back(static_cast<float>(tick_ns_.exchange(0)) / 1000.0f);
        tick_ns_ = 0;
        begun_ = true;
    }

    // Microseconds of each finished tick since the last time this was asked; the first kMaxTicks of them.
    std::vector<float> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(ticks_us_, {});
    }

private:
    static constexpr std::size_t kMaxTicks = 65536;  // Nobody may ever ask.

    std::atomic<int64_t> tick_ns_{0};
    std::mutex mutex_;
    bool begun_ = false;
    std::vector<float> ticks_us_;
};

}  // namespace worldplate::godot

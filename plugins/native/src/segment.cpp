#include "segment.hpp"

#include <random>

namespace worldplate {

std::string Segment::random_name() {
    std::random_device random;
    std::string name = "worldplate-";
    for (int digit = 0; digit < 32; ++digit) name += "0123456789abcdef"[random() % 16];
    return name;
}

}  // namespace worldplate

/* How a function of the library ended: a code of worldplate.h, and for a person what is wrong and what to change. */
#pragma once

#include <string>

#include "worldplate.h"

namespace worldplate {

struct Outcome {
    wp_code code = WP_OK;
    std::string text; /* empty when all is well */

    bool ok() const { return code == WP_OK; }
};

}  // namespace worldplate

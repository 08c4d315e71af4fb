/* What engines pass: refused by name, value and limit before anything is done with it. What is taken here is also taken
   by the renderer, which checks the same of every message. */
#pragma once

#include "outcome.hpp"

namespace worldplate {

Outcome check(const wp_client_desc& desc);
Outcome check(const wp_frame& frame);

}  // namespace worldplate

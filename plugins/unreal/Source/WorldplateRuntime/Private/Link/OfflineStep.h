// One frame of a film: each waits for its own plate, in the middle of the frame.
#pragma once

#include "Link.h"

namespace Worldplate
{
// Sends the pixels of a frame and waits for its plate. The pixels are free again when this returns. The plate's picture is
// good until the link's next one; null with `Why` when there is none, and the film shows the engine's own picture.
const wp_picture* OfflineStep(FLink& Link, uint64_t Id, const void* Pixels, double PatienceMs, std::string& Why);
}  // namespace Worldplate

// A film's frame waits for its own plate in the middle of the graph: the GPU is waited for, the pack read, the model asked,
// and its plate is there for the passes that follow.
#pragma once

#include "CoreMinimal.h"
#include "Link/Link.h"
#include "RenderGraphResources.h"

class FRDGBuilder;

namespace Worldplate
{
// The plate's buffer, RGBA16F in tight rows; all 0, which shows nothing, when none came in that time.
FRDGBufferRef AddFilmPass(FRDGBuilder& GraphBuilder, FLink& Link, FRDGBufferRef Pack, FIntPoint Planes, uint64 Id, double PatienceMs);
}  // namespace Worldplate

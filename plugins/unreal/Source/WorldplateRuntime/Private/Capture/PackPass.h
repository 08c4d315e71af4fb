// One compute pass that packs the planes of a view into one buffer, in the link's layout.
#pragma once

#include "CoreMinimal.h"
#include "Link/CameraTrack.h"
#include "RenderGraphResources.h"
#include "SceneView.h"

#include <vector>

class FRDGBuilder;
struct FPostProcessingInputs;

namespace Worldplate
{
struct FPackInput
{
	FRDGBufferRef Things;          // FStencilTable::Words
	const FCameraTrack* Track;
	const FView* Geometry;
	const std::vector<wp_plane_place>* Places;
	FIntRect ViewRect;             // of the view in the engine's textures
};

void AddPackPass(FRDGBuilder& GraphBuilder, const FSceneView& View, const FPostProcessingInputs& Inputs, const FPackInput& Input, FRDGBufferRef Pack);
}  // namespace Worldplate

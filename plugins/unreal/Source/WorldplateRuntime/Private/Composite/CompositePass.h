// Lays a plate over the scene's colour, before post-processing.
#pragma once

#include "CoreMinimal.h"
#include "Link/Presenter.h"
#include "RenderGraphResources.h"
#include "SceneView.h"

#include <vector>

class FRDGBuilder;

namespace Worldplate
{
struct FCompositeInput
{
	FRDGTextureRef SceneColor;
	FIntRect ViewRect;      // of the view in SceneColor
	FIntPoint Planes;       // their size, pixels
	const std::vector<wp_plane_place>* Places;
	FRDGBufferRef Target, Source, Plate, Carry;
	bool bCarried, bOld;
	float Strength;         // 0: no plate
};

void AddCompositePass(FRDGBuilder& GraphBuilder, const FSceneView& View, const FCompositeInput& Input);
}  // namespace Worldplate

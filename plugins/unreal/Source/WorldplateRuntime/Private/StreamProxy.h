// One frame after the other of one view, on the render thread: Capture, Link, Composite. Nothing of it is static.
#pragma once

#include "Capture/GpuReadBack.h"
#include "Capture/PackPass.h"
#include "Composite/CompositePass.h"
#include "CoreMinimal.h"
#include "Link/CameraTrack.h"
#include "Link/PackShelf.h"
#include "Link/Presenter.h"
#include "Link/ReadBackRing.h"
#include "RenderGraphResources.h"

#include <memory>
#include <string>
#include <vector>

namespace Worldplate
{
struct FStreamSettings
{
	int32 PlayerIndex = 0;
	float ResolutionScale = 1.0f;
	FIntPoint FixedSize = FIntPoint(0, 0);
	uint32 DelayFrames = 0;
	bool bOffline = false;
	double FilmPatienceMs = 0.0;
};

// The game's state of a tick.
struct FStreamInput
{
	FBodyList Bodies;
	std::vector<uint32_t> Things;  // FStencilTable::Words
	bool bCut = false, bTimecode = false;
	wp_timecode Timecode = {};
	double FocalLengthMm = 0.0, SensorWidthMm = 0.0, FNumber = 0.0, FocusDistanceM = 0.0;  // of a real lens; 0 without
};

class FStreamProxy
{
public:
	// Looks at the planes of a frame before they go: places, size, and both focal lengths of the projection.
	using FWatchPlanes = TFunction<void(const void* Pixels, const std::vector<wp_plane_place>& Places, FIntPoint Size, const wp_camera& Camera)>;

	FStreamProxy(std::shared_ptr<FLink> InLink, const FStreamSettings& InSettings, FIntPoint FirstSize);

	void SetInput(FStreamInput&& NewInput);
	void SetWatch(FWatchPlanes NewWatch) { Watch = MoveTemp(NewWatch); }

	// Whether it is the picture of this stream's player, and one that plates can be shown over.
	bool IsMine(const FSceneView& View, const FSceneInterface* Scene) const;

	void Render(FRDGBuilder& GraphBuilder, const FSceneView& View, const FPostProcessingInputs& Inputs);

private:
	FIntPoint WantedSize(const FIntRect& ViewRect) const;
	bool Resize(FIntPoint Size);
	void Warn(const std::string& Trouble);
	void ReadView(const FSceneView& View);
	uint64 BeginFrame(const FSceneView& View);
	FRDGBufferRef PackOf(FRDGBuilder& GraphBuilder, int32 Place);
	FRDGBufferRef Upload(FRDGBuilder& GraphBuilder, const void* Data, uint64 Bytes, const TCHAR* Name) const;
	void SendPack(FRDGBuilder& GraphBuilder, FRDGBufferRef Pack, uint64 Id);
	bool UploadPlate(FRDGBuilder& GraphBuilder, const FShown& Shown);
	void ShowLive(FRDGBuilder& GraphBuilder, const FSceneView& View, FCompositeInput Composite, uint64 Id);
	void ShowFilm(FRDGBuilder& GraphBuilder, const FSceneView& View, FCompositeInput Composite, uint64 Id);

	FStreamSettings Settings;
	FStreamInput Input;
	FCameraTrack Track;
	FView Geometry = {};
	FPackShelf Shelf;
	TArray<TRefCountPtr<FRDGPooledBuffer>> Packs;
	TRefCountPtr<FRDGPooledBuffer> Plate;
	FWatchPlanes Watch;
	std::string LastTrouble;
	FReadBackRing ReadBacks;          // outlives the link, which releases what it was lent
	std::shared_ptr<FLink> Link;
	FPresenter Presenter;
};
}  // namespace Worldplate

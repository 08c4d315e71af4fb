#include "StreamProxy.h"

#include "Capture/FilmPass.h"
#include "FXRenderingUtils.h"
#include "PostProcess/PostProcessInputs.h"
#include "RenderGraphBuilder.h"
#include "RenderGraphUtils.h"
#include "SceneInterface.h"
#include "SceneView.h"
#include "Values.h"
#include "WorldplateRuntimeModule.h"

namespace Worldplate
{
namespace
{
constexpr size_t MostReadBacks = 4;  // two in flight, one that the link reads, one that the GPU fills
constexpr uint32 PlateBytes = 8;     // of a pixel, RGBA16F
}  // namespace

FStreamProxy::FStreamProxy(std::shared_ptr<FLink> InLink, const FStreamSettings& InSettings, FIntPoint FirstSize)
	: Settings(InSettings)
	, Shelf(InSettings.DelayFrames)
	, ReadBacks([] { return std::make_unique<FGpuReadBack>(); }, MostReadBacks)
	, Link(MoveTemp(InLink))
	, Presenter(*Link, Shelf)
{
	Geometry.WidthPx = FirstSize.X;
	Geometry.HeightPx = FirstSize.Y;
	Packs.SetNum(Shelf.Size());
}

void FStreamProxy::SetInput(FStreamInput&& NewInput)
{
	const bool bCut = Input.bCut || NewInput.bCut;  // of a tick that was not drawn
	Input = MoveTemp(NewInput);
	Input.bCut = bCut;
}

bool FStreamProxy::IsMine(const FSceneView& View, const FSceneInterface* Scene) const
{
	const bool bPlayer = View.PlayerIndex == Settings.PlayerIndex || View.PlayerIndex == INDEX_NONE;  // a film's view has none
	return bPlayer && View.Family != nullptr && View.Family->Scene == Scene && View.Family->EngineShowFlags.Game && !View.bIsSceneCapture
		&& !View.bIsReflectionCapture && !View.bIsPlanarReflection && View.StereoPass == EStereoscopicPass::eSSP_FULL
		&& View.IsPerspectiveProjection();
}

void FStreamProxy::Render(FRDGBuilder& GraphBuilder, const FSceneView& View, const FPostProcessingInputs& Inputs)
{
	FCompositeInput Composite = {};
	Composite.ViewRect = UE::FXRenderingUtils::GetRawViewRectUnsafe(View);
	Composite.SceneColor = Inputs.SceneTextures->GetContents()->SceneColorTexture;
	if (!Resize(WantedSize(Composite.ViewRect)))
	{
		return;
	}
	ReadView(View);
	const uint64 Id = BeginFrame(View);
	if (Id == 0)
	{
		Warn(Link->Why());
		return;
	}
	const FRDGBufferRef Pack = PackOf(GraphBuilder, Shelf.Take(Id));
	const FRDGBufferRef Things = Upload(GraphBuilder, Input.Things.data(), Input.Things.size() * sizeof(uint32), TEXT("Worldplate.Things"));
	AddPackPass(GraphBuilder, View, Inputs, {Things, &Track, &Geometry, &Link->Places(), Composite.ViewRect}, Pack);
	Composite.Planes = FIntPoint(Geometry.WidthPx, Geometry.HeightPx);
	Composite.Places = &Link->Places();
	Composite.Target = Pack;
	if (Settings.bOffline)
	{
		ShowFilm(GraphBuilder, View, Composite, Id);
		return;
	}
	SendPack(GraphBuilder, Pack, Id);
	ShowLive(GraphBuilder, View, Composite, Id);
}

FIntPoint FStreamProxy::WantedSize(const FIntRect& ViewRect) const
{
	if (Settings.FixedSize.X > 0 && Settings.FixedSize.Y > 0)
	{
		return Settings.FixedSize;
	}
	return FIntPoint(
		FMath::Max(1, FMath::RoundToInt(ViewRect.Width() * Settings.ResolutionScale)),
		FMath::Max(1, FMath::RoundToInt(ViewRect.Height() * Settings.ResolutionScale)));
}

bool FStreamProxy::Resize(FIntPoint Size)
{
	if (Size.X == Geometry.WidthPx && Size.Y == Geometry.HeightPx)
	{
		return true;
	}
	const std::string Wrong = Link->Resize(static_cast<uint32>(Size.X), static_cast<uint32>(Size.Y));
	if (!Wrong.empty())
	{
		Warn(Wrong);
		return false;
	}
	Geometry.WidthPx = Size.X;
	Geometry.HeightPx = Size.Y;
	ReadBacks.Forget();
	Shelf.Clear();
	Presenter.Forget();
	Plate = nullptr;
	for (TRefCountPtr<FRDGPooledBuffer>& Pack : Packs)
	{
		Pack = nullptr;
	}
	Input.bCut = true;
	return true;
}

// Once, not at every frame.
void FStreamProxy::Warn(const std::string& Trouble)
{
	UE_CLOG(Trouble != LastTrouble, LogWorldplate, Warning, TEXT("%s"), *TextOf(Trouble));
	LastTrouble = Trouble;
}

void FStreamProxy::ReadView(const FSceneView& View)
{
	const FMatrix& Drawn = View.ViewMatrices.GetProjectionMatrix();
	const FVector2D Jitter = View.ViewMatrices.GetTemporalAAJitter();
	Geometry.OriginCm = AxisOf(View.ViewMatrices.GetViewOrigin());
	Geometry.Right = AxisOf(View.GetViewRight());
	Geometry.Up = AxisOf(View.GetViewUp());
	Geometry.Forward = AxisOf(View.GetViewDirection());
	for (int32 Row = 0; Row < 4; Row++)
	{
		for (int32 Column = 0; Column < 4; Column++)
		{
			Geometry.Projection[4 * Row + Column] = Drawn.M[Row][Column];
		}
	}
	Geometry.Projection[8] -= Jitter.X;
	Geometry.Projection[9] -= Jitter.Y;
	Geometry.JitterNdc[0] = Jitter.X;
	Geometry.JitterNdc[1] = Jitter.Y;
}

uint64 FStreamProxy::BeginFrame(const FSceneView& View)
{
	const bool bReset = Track.Advance(Geometry, Input.bCut || View.bCameraCut);
	wp_camera& Camera = Track.Camera();
	Camera.focal_length_mm = Input.FocalLengthMm;
	Camera.sensor_width_mm = Input.SensorWidthMm;
	Camera.f_number = Input.FNumber;
	Camera.focus_distance_m = Input.FocusDistanceM;
	if (bReset)
	{
		Input.Bodies.Forget();
	}
	Input.bCut = false;
	return Link->BeginFrame(Camera, Input.Bodies, bReset ? WP_RESET_CUT : WP_RESET_NONE, Input.bTimecode ? &Input.Timecode : nullptr);
}

FRDGBufferRef FStreamProxy::PackOf(FRDGBuilder& GraphBuilder, int32 Place)
{
	if (Packs[Place].IsValid())
	{
		return GraphBuilder.RegisterExternalBuffer(Packs[Place]);
	}
	FRDGBufferDesc Desc = FRDGBufferDesc::CreateByteAddressDesc(static_cast<uint32>(Link->PixelBytes()));
	Desc.Usage |= BUF_SourceCopy;
	const FRDGBufferRef Made = GraphBuilder.CreateBuffer(Desc, TEXT("Worldplate.Pack"));
	Packs[Place] = GraphBuilder.ConvertToExternalBuffer(Made);
	return Made;
}

FRDGBufferRef FStreamProxy::Upload(FRDGBuilder& GraphBuilder, const void* Data, uint64 Bytes, const TCHAR* Name) const
{
	const FRDGBufferRef Buffer = GraphBuilder.CreateBuffer(FRDGBufferDesc::CreateByteAddressDesc(static_cast<uint32>(Bytes)), Name);
	GraphBuilder.QueueBufferUpload(Buffer, Data, Bytes, ERDGInitialDataFlags::None);  // copied at once
	return Buffer;
}

void FStreamProxy::SendPack(FRDGBuilder& GraphBuilder, FRDGBufferRef Pack, uint64 Id)
{
	FReadBackRing::FWatch Look;
	if (Watch)
	{
		Look = [this](uint64_t, const void* Pixels) { Watch(Pixels, Link->Places(), FIntPoint(Geometry.WidthPx, Geometry.HeightPx), Track.Camera()); };
	}
	ReadBacks.Advance(*Link, Look);
	IReadBack* Room = Watch || Link->WantsPixels() ? ReadBacks.Take(Id) : nullptr;
	if (Room != nullptr)
	{
		FRHIGPUBufferReadback* ReadBack = &static_cast<FGpuReadBack*>(Room)->ReadBack;
		AddEnqueueCopyPass(GraphBuilder, ReadBack, Pack, static_cast<uint32>(Link->PixelBytes()));
		Shelf.MarkSent(Id);
	}
}

bool FStreamProxy::UploadPlate(FRDGBuilder& GraphBuilder, const FShown& Shown)
{
	if (!Shown.bNewPlate)
	{
		return Plate.IsValid();
	}
	const uint32 Row = Shown.Plate->width * PlateBytes;
	TArray<uint8> Tight;
	const void* Pixels = Shown.Plate->plate;
	if (Shown.Plate->row_pitch_bytes != Row)
	{
		Tight.SetNumUninitialized(Row * Shown.Plate->height);
		for (uint32 Line = 0; Line < Shown.Plate->height; Line++)
		{
			const uint8* From = static_cast<const uint8*>(Pixels) + static_cast<SIZE_T>(Line) * Shown.Plate->row_pitch_bytes;
			FMemory::Memcpy(Tight.GetData() + static_cast<SIZE_T>(Line) * Row, From, Row);
		}
		Pixels = Tight.GetData();
	}
	const FRDGBufferRef Uploaded = Upload(GraphBuilder, Pixels, static_cast<uint64>(Row) * Shown.Plate->height, TEXT("Worldplate.Plate"));
	Plate = GraphBuilder.ConvertToExternalBuffer(Uploaded);
	return Presenter.PlateTaken();
}

void FStreamProxy::ShowLive(FRDGBuilder& GraphBuilder, const FSceneView& View, FCompositeInput Composite, uint64 Id)
{
	const FShown Shown = Presenter.Next(Id);
	const bool bPlate = Shown.SourcePack >= 0 && UploadPlate(GraphBuilder, Shown);
	if (Shown.IsEngineAlone() || (!bPlate && !Shown.bOld))
	{
		return;
	}
	const std::vector<uint32_t>& Words = Presenter.Carry().Words();
	Composite.Target = PackOf(GraphBuilder, Shown.TargetPack);
	Composite.Source = bPlate ? PackOf(GraphBuilder, Shown.SourcePack) : Composite.Target;
	Composite.Plate = bPlate ? GraphBuilder.RegisterExternalBuffer(Plate) : Composite.Target;
	Composite.Carry = Upload(GraphBuilder, Words.data(), Words.size() * sizeof(uint32), TEXT("Worldplate.Carry"));
	Composite.bCarried = Shown.bCarried;
	Composite.bOld = Shown.bOld;
	Composite.Strength = bPlate ? Shown.Strength : 0.0f;
	AddCompositePass(GraphBuilder, View, Composite);
}

void FStreamProxy::ShowFilm(FRDGBuilder& GraphBuilder, const FSceneView& View, FCompositeInput Composite, uint64 Id)
{
	Composite.Plate = AddFilmPass(GraphBuilder, *Link, Composite.Target, Composite.Planes, Id, Settings.FilmPatienceMs);
	Composite.Source = Composite.Target;
	Composite.Carry = Composite.Target;  // not read: the plate is the frame's own
	Composite.Strength = 1.0f;
	AddCompositePass(GraphBuilder, View, Composite);
}
}  // namespace Worldplate

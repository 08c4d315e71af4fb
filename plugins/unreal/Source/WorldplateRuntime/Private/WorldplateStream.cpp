#include "WorldplateStream.h"

#include "Capture/EngineFacts.h"
#include "Capture/LiveLinkCamera.h"
#include "Engine/Engine.h"
#include "Engine/GameViewportClient.h"
#include "Engine/World.h"
#include "GameFramework/Actor.h"
#include "Misc/EngineVersion.h"
#include "RenderingThread.h"
#include "Values.h"
#include "WorldplateRuntimeModule.h"
#include "WorldplateStreamComponent.h"

using namespace Worldplate;

namespace
{
const FIntPoint UnknownSize(640, 360);

wp_sync_mode SyncOf(EWorldplateSync Sync)
{
	return Sync == EWorldplateSync::Offline ? WP_SYNC_MODE_OFFLINE : Sync == EWorldplateSync::Delayed ? WP_SYNC_MODE_DELAYED : WP_SYNC_MODE_FREERUN;
}

// Unreal's header tool takes plain numbers alone in an enum, so each is held to the protocol's here.
#define WORLDPLATE_SAME(Ours, Theirs) static_assert(static_cast<int>(Ours) == static_cast<int>(Theirs), "the enum's numbers are the protocol's")
WORLDPLATE_SAME(EWorldplateLate::Reproject, WP_LATE_POLICY_REPROJECT);
WORLDPLATE_SAME(EWorldplateLate::Hold, WP_LATE_POLICY_HOLD);
WORLDPLATE_SAME(EWorldplateLate::Passthrough, WP_LATE_POLICY_PASSTHROUGH);
WORLDPLATE_SAME(EWorldplateLate::Fade, WP_LATE_POLICY_FADE);
WORLDPLATE_SAME(EWorldplateLabel::Unknown, WP_LABEL_UNKNOWN);
WORLDPLATE_SAME(EWorldplateLabel::Sky, WP_LABEL_SKY);
WORLDPLATE_SAME(EWorldplateLabel::Ground, WP_LABEL_GROUND);
WORLDPLATE_SAME(EWorldplateLabel::Wall, WP_LABEL_WALL);
WORLDPLATE_SAME(EWorldplateLabel::Stone, WP_LABEL_STONE);
WORLDPLATE_SAME(EWorldplateLabel::Roof, WP_LABEL_ROOF);
WORLDPLATE_SAME(EWorldplateLabel::Wood, WP_LABEL_WOOD);
WORLDPLATE_SAME(EWorldplateLabel::Metal, WP_LABEL_METAL);
WORLDPLATE_SAME(EWorldplateLabel::Fabric, WP_LABEL_FABRIC);
WORLDPLATE_SAME(EWorldplateLabel::Foliage, WP_LABEL_FOLIAGE);
WORLDPLATE_SAME(EWorldplateLabel::Plastic, WP_LABEL_PLASTIC);
WORLDPLATE_SAME(EWorldplateLabel::Water, WP_LABEL_WATER);
WORLDPLATE_SAME(EWorldplateLabel::Glass, WP_LABEL_GLASS);
WORLDPLATE_SAME(EWorldplateLabel::Character, WP_LABEL_CHARACTER);
WORLDPLATE_SAME(EWorldplateLabel::Vehicle, WP_LABEL_VEHICLE);
WORLDPLATE_SAME(EWorldplateLabel::Light, WP_LABEL_LIGHT);
WORLDPLATE_SAME(EWorldplateControlType::Number, WP_CONTROL_TYPE_NUMBER);
WORLDPLATE_SAME(EWorldplateControlType::Integer, WP_CONTROL_TYPE_INTEGER);
WORLDPLATE_SAME(EWorldplateControlType::Toggle, WP_CONTROL_TYPE_TOGGLE);
WORLDPLATE_SAME(EWorldplateControlType::Choice, WP_CONTROL_TYPE_CHOICE);
WORLDPLATE_SAME(EWorldplateControlType::Text, WP_CONTROL_TYPE_TEXT);
#undef WORLDPLATE_SAME
static_assert(WP_LATE_POLICY_COUNT == 4 && WP_LABEL_COUNT == 16 && WP_CONTROL_TYPE_COUNT == 5, "the protocol has more: add them to WorldplateTypes.h");

// What is drawn first may be of another size: the link then follows.
FIntPoint FirstSizeOf(const UWorldplateStreamComponent& Stream)
{
	FVector2D Drawn(UnknownSize.X, UnknownSize.Y);
	if (GEngine != nullptr && GEngine->GameViewport != nullptr)
	{
		GEngine->GameViewport->GetViewportSize(Drawn);
	}
	if (Stream.FixedSize.X > 0 && Stream.FixedSize.Y > 0)
	{
		return Stream.FixedSize;
	}
	return FIntPoint(FMath::Max(1, FMath::RoundToInt(Drawn.X * Stream.ResolutionScale)), FMath::Max(1, FMath::RoundToInt(Drawn.Y * Stream.ResolutionScale)));
}

FLinkSettings LinkSettingsOf(const UWorldplateStreamComponent& Stream, FIntPoint Size)
{
	FLinkSettings Settings;
	Settings.WidthPx = static_cast<uint32>(Size.X);
	Settings.HeightPx = static_cast<uint32>(Size.Y);
	Settings.Sync = SyncOf(Stream.Sync);
	Settings.Late = static_cast<wp_late_policy>(Stream.Late);
	Settings.DelayFrames = static_cast<uint32>(Stream.DelayFrames);
	Settings.Seed = static_cast<uint64>(FMath::Max<int64>(0, Stream.WorldSeed));
	Settings.Engine = "Unreal " + BytesOf(FEngineVersion::Current().ToString(EVersionComponent::Patch));
	Settings.ConnectionFile = BytesOf(Stream.ConnectionFile);
	return Settings;
}

FStreamSettings ProxySettingsOf(const UWorldplateStreamComponent& Stream)
{
	FStreamSettings Settings;
	Settings.PlayerIndex = Stream.PlayerIndex;
	Settings.ResolutionScale = Stream.ResolutionScale;
	Settings.FixedSize = Stream.FixedSize;
	Settings.DelayFrames = Stream.Sync == EWorldplateSync::Delayed ? static_cast<uint32>(Stream.DelayFrames) : 0u;
	Settings.bOffline = Stream.Sync == EWorldplateSync::Offline;
	Settings.FilmPatienceMs = 1000.0 * Stream.FilmPatience;
	return Settings;
}
}  // namespace

TSharedPtr<FWorldplateStream> FWorldplateStream::Open(UWorldplateStreamComponent& Owner, FString& Why)
{
	for (const FTrouble& Trouble : TroublesOf(ReadEngineFacts()))
	{
		if (Trouble.bBlocks)
		{
			Why = TextOf(Trouble.Text);
			return nullptr;
		}
		UE_LOG(LogWorldplate, Warning, TEXT("%s"), *TextOf(Trouble.Text));
	}
	if (!HasClientLibrary())
	{
		Why = TEXT("The native library is missing: run `worldplate plugin install unreal` on this project's folder again, and restart the editor.");
		return nullptr;
	}
	const FIntPoint Size = FirstSizeOf(Owner);
	std::string Wrong;
	std::shared_ptr<FLink> Link = FLink::Open(LinkSettingsOf(Owner, Size), Wrong);
	Why = TextOf(Wrong);
	if (Link == nullptr)
	{
		return nullptr;
	}
	return MakeShareable(new FWorldplateStream(Owner, MoveTemp(Link), Size));
}

FWorldplateStream::FWorldplateStream(UWorldplateStreamComponent& InOwner, std::shared_ptr<FLink> InLink, FIntPoint FirstSize)
	: Owner(InOwner), OwnLink(MoveTemp(InLink)), OwnThings(InOwner)
{
	Proxy = MakeShared<FStreamProxy>(OwnLink, ProxySettingsOf(Owner), FirstSize);
	Extension = FSceneViewExtensions::NewExtension<FStreamViewExtension>(Proxy, Owner.GetWorld()->Scene);
}

// The last holder of proxy and link is the command: frames that are still being drawn come before it.
FWorldplateStream::~FWorldplateStream()
{
	OwnLink.reset();
	ENQUEUE_RENDER_COMMAND(WorldplateStop)
	([Last = MoveTemp(Proxy), View = MoveTemp(Extension)](FRHICommandListImmediate&) mutable
	{
		View->Release_RenderThread();
		Last.Reset();
	});
}

void FWorldplateStream::Tick(double NowS)
{
	FStreamInput Input;
	AActor* Actor = Owner.GetOwner();
	if (!Owner.LiveLinkCamera.Name.IsNone())
	{
		FollowLiveLink(Owner.LiveLinkCamera, Actor, Input);
	}
	ReadLens(Actor, Input);
	OwnThings.Refresh(NowS);
	OwnThings.Gather();
	Input.Bodies = OwnThings.Bodies();
	Input.Things = OwnThings.Words();
	Input.bCut = bCut;
	bCut = false;
	ENQUEUE_RENDER_COMMAND(WorldplateTick)
	([To = Proxy, State = MoveTemp(Input)](FRHICommandListImmediate&) mutable { To->SetInput(MoveTemp(State)); });
}

void FWorldplateStream::Watch(FStreamProxy::FWatchPlanes NewWatch)
{
	ENQUEUE_RENDER_COMMAND(WorldplateWatch)
	([To = Proxy, Watcher = MoveTemp(NewWatch)](FRHICommandListImmediate&) mutable { To->SetWatch(MoveTemp(Watcher)); });
}

#include "WorldplateSelfTest.h"

#include "Camera/CameraActor.h"
#include "Camera/CameraComponent.h"
#include "Components/StaticMeshComponent.h"
#include "Engine/StaticMesh.h"
#include "Engine/StaticMeshActor.h"
#include "Engine/World.h"
#include "GameFramework/PlayerController.h"
#include "Link/Conventions.h"
#include "Materials/MaterialInstanceDynamic.h"
#include "Misc/ScopeLock.h"
#include "Values.h"
#include "WorldplateLabelComponent.h"
#include "WorldplateStream.h"
#include "WorldplateStreamComponent.h"

using namespace Worldplate;

namespace
{
constexpr int32 StepAt = 10, JudgeAt = 30;  // looks: until the stream runs, and until planes were read
constexpr double CmPerM = 100.0, DeepCm = -5.0e6;

// Of a point in the eye's view, metres.
FVector PlaceOf(double RightM, double UpM, double ForwardM)
{
	return FVector(ForwardM * CmPerM, RightM * CmPerM, DeepCm + UpM * CmPerM);
}

int32 WrongOf(const std::vector<FFinding>& Findings)
{
	int32 Count = 0;
	for (const FFinding& Finding : Findings)
	{
		Count += Finding.bHolds ? 0 : 1;
	}
	return Count;
}
}  // namespace

// Of the frame with the fewest mistakes: only that of the step shows its motion. Written on the render thread.
struct FWorldplateSelfTest::FVerdict
{
	FCriticalSection Lock;
	std::vector<FFinding> Best;
	bool bStepped = false;
};

FWorldplateSelfTest::FWorldplateSelfTest(UWorld* World) : Verdict(MakeShared<FVerdict>())
{
	if (World == nullptr || World->GetFirstPlayerController() == nullptr)
	{
		Text = TEXT("Play first: the renderer draws and reads back only then.");
		return;
	}
	Text = TEXT("Running");
	bRunning = true;
	PutBox(World);
	PutEye(World);
}

FWorldplateSelfTest::~FWorldplateSelfTest()
{
	End();
}

void FWorldplateSelfTest::Tick()
{
	if (!bRunning)
	{
		return;
	}
	Watch();
	Looks++;
	if (Looks == StepAt && Eye.IsValid())
	{
		FScopeLock Lock(&Verdict->Lock);
		Verdict->bStepped = true;
		Eye->SetActorLocation(PlaceOf(0.0, 0.0, 0.0));
	}
	if (Looks == JudgeAt)
	{
		Say();
		End();
	}
}

void FWorldplateSelfTest::PutBox(UWorld* World)
{
	constexpr double HalfSideM = 0.5;
	AStaticMeshActor* Actor = World->SpawnActor<AStaticMeshActor>(
		PlaceOf(FConventions::RightM, FConventions::UpM, FConventions::DepthM + HalfSideM), FRotator::ZeroRotator);
	Box = Actor;
	UStaticMeshComponent* Mesh = Actor->GetStaticMeshComponent();
	Mesh->SetMobility(EComponentMobility::Movable);
	Mesh->SetStaticMesh(LoadObject<UStaticMesh>(nullptr, TEXT("/Engine/BasicShapes/Cube.Cube")));
	UMaterialInterface* Plain = LoadObject<UMaterialInterface>(nullptr, TEXT("/Engine/BasicShapes/BasicShapeMaterial.BasicShapeMaterial"));
	UMaterialInstanceDynamic* Painted = UMaterialInstanceDynamic::Create(Plain, Actor);
	Painted->SetVectorParameterValue(TEXT("Color"), FLinearColor(FConventions::Red, FConventions::Green, FConventions::Blue, 1.0f));
	Mesh->SetMaterial(0, Painted);
	UWorldplateLabelComponent* Label = NewObject<UWorldplateLabelComponent>(Actor);
	Label->Label = static_cast<EWorldplateLabel>(FConventions::Is);
	Label->RegisterComponent();
}

void FWorldplateSelfTest::PutEye(UWorld* World)
{
	Eye = World->SpawnActor<ACameraActor>(PlaceOf(-FConventions::StepM, 0.0, 0.0), FRotator::ZeroRotator);
	Eye->GetCameraComponent()->SetFieldOfView(90.0f);
	UWorldplateStreamComponent* Own = NewObject<UWorldplateStreamComponent>(Eye.Get());
	Own->RegisterComponent();
	Stream = Own;
	APlayerController* Player = World->GetFirstPlayerController();
	ViewBefore = Player->GetViewTarget();
	Player->SetViewTarget(Eye.Get());
}

void FWorldplateSelfTest::Watch()
{
	FWorldplateStream* Running = Stream.IsValid() ? Stream->GetStream() : nullptr;
	if (Running == nullptr || bWatching)
	{
		return;
	}
	bWatching = true;
	Running->Watch([To = Verdict](const void* Pixels, const std::vector<wp_plane_place>& Places, FIntPoint Size, const wp_camera& Camera)
	{
		const FConventions Conventions(Pixels, Places, Size.X, Size.Y, Camera.projection[0], Camera.projection[5]);
		FScopeLock Lock(&To->Lock);
		if (To->bStepped)
		{
			std::vector<FFinding> Found = Conventions.Judge();
			if (To->Best.empty() || WrongOf(Found) < WrongOf(To->Best))
			{
				To->Best = MoveTemp(Found);
			}
		}
	});
}

void FWorldplateSelfTest::Say()
{
	FScopeLock Lock(&Verdict->Lock);
	if (Verdict->Best.empty())
	{
		const FString Trouble = Stream.IsValid() ? Stream->GetStatus().Next : FString();
		Text = TEXT("The self-test cannot run: ") + (Trouble.IsEmpty() ? FString(TEXT("no planes were read back.")) : Trouble);
		return;
	}
	const int32 Wrong = WrongOf(Verdict->Best);
	bGood = Wrong == 0;
	Text = bGood ? FString(TEXT("All conventions hold.")) : FString::Printf(TEXT("%d do not hold: please report these lines."), Wrong);
	for (const FFinding& Finding : Verdict->Best)
	{
		const TCHAR* Wrongly = FConventions::NeedsStencil(Finding) ? TEXT("WRONG (is custom depth on, with stencil?)") : TEXT("WRONG");
		const TCHAR* Mark = Finding.bHolds ? TEXT("ok") : Wrongly;
		Text += FString::Printf(TEXT("\n%s  %s: %s"), Mark, *TextOf(Finding.Name), *TextOf(Finding.Text));
	}
}

void FWorldplateSelfTest::End()
{
	bRunning = false;
	UWorld* World = Eye.IsValid() ? Eye->GetWorld() : nullptr;
	APlayerController* Player = World != nullptr ? World->GetFirstPlayerController() : nullptr;
	if (Player != nullptr && ViewBefore.IsValid())
	{
		Player->SetViewTarget(ViewBefore.Get());
	}
	for (AActor* Made : {static_cast<AActor*>(Eye.Get()), Box.Get()})
	{
		if (Made != nullptr)
		{
			Made->Destroy();
		}
	}
}

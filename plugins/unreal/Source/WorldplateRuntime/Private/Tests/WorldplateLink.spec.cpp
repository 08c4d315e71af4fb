// What only the engine can say of itself: its matrices, its transforms and the plugin's own folders. Run by
// `Automation RunTests Worldplate`.
#include "CoreMinimal.h"
#include "HAL/FileManager.h"
#include "HAL/IConsoleManager.h"
#include "Interfaces/IPluginManager.h"
#include "Link/Conventions.h"
#include "Link/Requirements.h"
#include "Link/Spaces.h"
#include "Misc/AutomationTest.h"
#include "Misc/Paths.h"
#include "Values.h"
#include "WorldplateRuntimeModule.h"

#if WITH_DEV_AUTOMATION_TESTS

BEGIN_DEFINE_SPEC(FWorldplateLinkSpec, "Worldplate.Link", EAutomationTestFlags::ProductFilter | EAutomationTestFlags::EditorContext)
	// Unreal's own reversed projection without a far plane.
	Worldplate::FView ViewOf(const FVector& Origin, const FRotator& Turn) const;
END_DEFINE_SPEC(FWorldplateLinkSpec)

Worldplate::FView FWorldplateLinkSpec::ViewOf(const FVector& Origin, const FRotator& Turn) const
{
	using namespace Worldplate;
	const FMatrix Projection = FReversedZPerspectiveMatrix(FMath::DegreesToRadians(45.0f), 16.0f, 9.0f, 10.0f);
	const FQuat Quaternion = Turn.Quaternion();
	FView View = {};
	View.OriginCm = AxisOf(Origin);
	View.Right = AxisOf(Quaternion.GetRightVector());
	View.Up = AxisOf(Quaternion.GetUpVector());
	View.Forward = AxisOf(Quaternion.GetForwardVector());
	View.WidthPx = 1280;
	View.HeightPx = 720;
	for (int32 At = 0; At < 16; At++)
	{
		View.Projection[At] = Projection.M[At / 4][At % 4];
	}
	return View;
}

void FWorldplateLinkSpec::Define()
{
	using namespace Worldplate;

	Describe("Spaces", [this]()
	{
		It("should take Unreal's projection for a perspective one with an infinite far plane", [this]()
		{
			const FView View = ViewOf(FVector::ZeroVector, FRotator::ZeroRotator);
			wp_camera Camera = {};
			CameraFrom(View, Camera);
			TestTrue("perspective", IsPerspective(View.Projection));
			TestEqual("near, metres", Camera.near_m, 0.1, 1.0e-6);
			TestTrue("far is infinite", Camera.far_m > 1.0e30);
		});

		It("should turn a camera as it turns a body", [this]()
		{
			const FRotator Turn(20.0, 130.0, -35.0);
			wp_camera Camera = {};
			CameraFrom(ViewOf(FVector(100.0, 200.0, 300.0), Turn), Camera);
			const FQuat Quaternion = Turn.Quaternion();
			const wp_pose Body = PoseFrom({100.0, 200.0, 300.0}, {Quaternion.X, Quaternion.Y, Quaternion.Z, Quaternion.W});
			double Dot = 0.0;
			for (int32 Part = 0; Part < 4; Part++)
			{
				Dot += Camera.world_from_camera.orientation[Part] * Body.orientation[Part];
			}
			TestEqual("the same orientation", FMath::Abs(Dot), 1.0, 1.0e-6);
			TestEqual("right is x", Camera.world_from_camera.position_m[0], 2.0, 1.0e-9);
			TestEqual("up is y", Camera.world_from_camera.position_m[1], 3.0, 1.0e-9);
			TestEqual("forward is -z", Camera.world_from_camera.position_m[2], -1.0, 1.0e-9);
		});
	});

	Describe("Requirements", [this]()
	{
		It("should read settings that this engine has", [this]()
		{
			for (const TCHAR* Name : {TEXT("r.ForwardShading"), TEXT("r.CustomDepth"), TEXT("r.Substrate")})
			{
				TestNotNull(Name, IConsoleManager::Get().FindConsoleVariable(Name));
			}
		});
	});

	Describe("The plugin", [this]()
	{
		It("should have loaded its library and its shaders", [this]()
		{
			const FString Home = IPluginManager::Get().FindPlugin(TEXT("Worldplate"))->GetBaseDir();
			TestTrue("library", HasClientLibrary());
			TestTrue("shaders", IFileManager::Get().FileExists(*FPaths::Combine(Home, TEXT("Shaders/Private/WorldplatePack.usf"))));
		});
	});
}

#endif

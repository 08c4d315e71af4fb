#include "Capture/LiveLinkCamera.h"

#include "CineCameraComponent.h"
#include "Features/IModularFeatures.h"
#include "GameFramework/Actor.h"
#include "ILiveLinkClient.h"
#include "Roles/LiveLinkCameraRole.h"
#include "Roles/LiveLinkCameraTypes.h"

namespace Worldplate
{
namespace
{
void SetLens(UCameraComponent* Camera, const FLiveLinkCameraStaticData& Known, const FLiveLinkCameraFrameData& Frame)
{
	if (UCineCameraComponent* Cine = Cast<UCineCameraComponent>(Camera))
	{
		if (Known.bIsFocalLengthSupported)
		{
			Cine->SetCurrentFocalLength(Frame.FocalLength);
		}
		if (Known.bIsApertureSupported)
		{
			Cine->SetCurrentAperture(Frame.Aperture);
		}
		if (Known.bIsFocusDistanceSupported)
		{
			Cine->FocusSettings.ManualFocusDistance = Frame.FocusDistance;
		}
	}
	else if (Known.bIsFieldOfViewSupported)
	{
		Camera->SetFieldOfView(Frame.FieldOfView);
	}
}

void SetTimecode(const FQualifiedFrameTime& Time, FStreamInput& Input)
{
	const FTimecode Timecode = FTimecode::FromFrameNumber(Time.Time.FrameNumber, Time.Rate);
	Input.bTimecode = Time.Rate.Numerator > 0 && Time.Rate.Denominator > 0;
	Input.Timecode.hours = static_cast<uint8>(Timecode.Hours);
	Input.Timecode.minutes = static_cast<uint8>(Timecode.Minutes);
	Input.Timecode.seconds = static_cast<uint8>(Timecode.Seconds);
	Input.Timecode.frames = static_cast<uint8>(Timecode.Frames);
	Input.Timecode.drop_frame = Timecode.bDropFrameFormat ? 1 : 0;
	Input.Timecode.rate_numerator = static_cast<uint32>(Time.Rate.Numerator);
	Input.Timecode.rate_denominator = static_cast<uint32>(Time.Rate.Denominator);
}
}  // namespace

bool FollowLiveLink(const FLiveLinkSubjectName& Subject, AActor* Actor, FStreamInput& Input)
{
	IModularFeatures& Features = IModularFeatures::Get();
	UCameraComponent* Camera = Actor != nullptr ? Actor->FindComponentByClass<UCameraComponent>() : nullptr;
	if (Camera == nullptr || !Features.IsModularFeatureAvailable(ILiveLinkClient::ModularFeatureName))
	{
		return false;
	}
	ILiveLinkClient& Client = Features.GetModularFeature<ILiveLinkClient>(ILiveLinkClient::ModularFeatureName);
	FLiveLinkSubjectFrameData Data;
	if (!Client.EvaluateFrame_AnyThread(Subject, ULiveLinkCameraRole::StaticClass(), Data))
	{
		return false;
	}
	const FLiveLinkCameraStaticData* Known = Data.StaticData.Cast<FLiveLinkCameraStaticData>();
	const FLiveLinkCameraFrameData* Frame = Data.FrameData.Cast<FLiveLinkCameraFrameData>();
	if (Known == nullptr || Frame == nullptr)
	{
		return false;
	}
	Camera->SetRelativeTransform(Frame->Transform);
	SetLens(Camera, *Known, *Frame);
	SetTimecode(Frame->MetaData.SceneTime, Input);
	return true;
}

void ReadLens(const AActor* Actor, FStreamInput& Input)
{
	const UCineCameraComponent* Cine = Actor != nullptr ? Actor->FindComponentByClass<UCineCameraComponent>() : nullptr;
	if (Cine != nullptr)
	{
		Input.FocalLengthMm = Cine->CurrentFocalLength;
		Input.SensorWidthMm = Cine->Filmback.SensorWidth;
		Input.FNumber = Cine->CurrentAperture;
		Input.FocusDistanceM = Cine->CurrentFocusDistance * MetresPerCm;
	}
}
}  // namespace Worldplate

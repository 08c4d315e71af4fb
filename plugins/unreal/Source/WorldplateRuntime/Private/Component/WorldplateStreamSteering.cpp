// Controls, ownership, model and world of a stream, as Blueprints and the details panel set them.
#include "Values.h"
#include "WorldplateStream.h"
#include "WorldplateStreamComponent.h"

#include <limits>

using namespace Worldplate;

FString UWorldplateStreamComponent::SetNumberControl(const FString& Name, double Value)
{
	FWorldplateControlValue Kept;
	Kept.Name = Name;
	Kept.Number = Value;
	Keep(Kept);
	return Send(Kept);
}

FString UWorldplateStreamComponent::SetTextControl(const FString& Name, const FString& Value)
{
	FWorldplateControlValue Kept;
	Kept.Name = Name;
	Kept.bIsText = true;
	Kept.Text = Value;
	Keep(Kept);
	return Send(Kept);
}

void UWorldplateStreamComponent::SetTiming(EWorldplateSync NewSync, EWorldplateLate NewLate, int32 NewDelayFrames)
{
	Sync = NewSync;
	Late = NewLate;
	DelayFrames = FMath::Clamp(NewDelayFrames, 1, 8);
	Restart();
}

FString UWorldplateStreamComponent::SetEngineOwned(const TArray<EWorldplateLabel>& Labels, float NearM, float FarM)
{
	EngineLabels = Labels;
	PlateNear = NearM;
	PlateFar = FarM;
	return SendOwnership();
}

FString UWorldplateStreamComponent::UseModel(const FString& Name)
{
	return Stream.IsValid() ? TextOf(Stream->Link().UseModel(BytesOf(Name))) : Status.Next;
}

FString UWorldplateStreamComponent::ResetWorld()
{
	return Stream.IsValid() ? TextOf(Stream->Link().ResetWorld()) : Status.Next;
}

void UWorldplateStreamComponent::Cut()
{
	if (Stream.IsValid())
	{
		Stream->Cut();
	}
}

const FWorldplateControlValue* UWorldplateStreamComponent::FindControlValue(const FString& Name) const
{
	return ControlValues.FindByPredicate([&Name](const FWorldplateControlValue& Each) { return Each.Name == Name; });
}

void UWorldplateStreamComponent::Keep(const FWorldplateControlValue& Value)
{
	ControlValues.RemoveAll([&Value](const FWorldplateControlValue& Each) { return Each.Name == Value.Name; });
	ControlValues.Add(Value);
}

FString UWorldplateStreamComponent::Send(const FWorldplateControlValue& Value)
{
	if (!Stream.IsValid())
	{
		return FString();
	}
	const std::string Name = BytesOf(Value.Name);
	return TextOf(Value.bIsText ? Stream->Link().SetText(Name, BytesOf(Value.Text)) : Stream->Link().SetNumber(Name, Value.Number));
}

FString UWorldplateStreamComponent::SendOwnership()
{
	if (!Stream.IsValid())
	{
		return FString();
	}
	std::vector<uint8_t> Labels;
	for (const EWorldplateLabel Label : EngineLabels)
	{
		Labels.push_back(static_cast<uint8_t>(Label));
	}
	const std::string Wrong = Stream->Link().SetEngineLabels(Labels);
	const double FarM = PlateFar > 0.0f ? PlateFar : std::numeric_limits<double>::infinity();
	const std::string WrongToo = Stream->Link().SetPlateRange(PlateNear, FarM);
	return TextOf(Wrong.empty() ? WrongToo : Wrong);
}

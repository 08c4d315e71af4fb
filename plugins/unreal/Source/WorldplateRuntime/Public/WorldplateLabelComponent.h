#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "WorldplateTypes.h"

#include "WorldplateLabelComponent.generated.h"

/** Says what this actor is, with all that is attached to it and has no label of its own: wood, water, a character. */
UCLASS(ClassGroup = (Worldplate), meta = (BlueprintSpawnableComponent, DisplayName = "Worldplate Label"))
class WORLDPLATERUNTIME_API UWorldplateLabelComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	/** What the model takes it for. A sky dome is `Sky`. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Worldplate")
	EWorldplateLabel Label = EWorldplateLabel::Unknown;

	/** Of an actor, or of what it is attached to; Unknown without. */
	static EWorldplateLabel LabelOf(const AActor* Actor);
};

#include "WorldplateLabelComponent.h"

#include "GameFramework/Actor.h"

EWorldplateLabel UWorldplateLabelComponent::LabelOf(const AActor* Actor)
{
	for (const AActor* At = Actor; At != nullptr; At = At->GetAttachParentActor())
	{
		if (const UWorldplateLabelComponent* Own = At->FindComponentByClass<UWorldplateLabelComponent>())
		{
			return Own->Label;
		}
	}
	return EWorldplateLabel::Unknown;
}

// What is labelled, and what moves by physics: each gets a custom stencil value, so that its pixels can be told. Game thread.
// Unreal tells nobody when things come and go: they are looked for once a second.
#pragma once

#include "Components/PrimitiveComponent.h"
#include "CoreMinimal.h"
#include "Link/BodyList.h"
#include "Link/StencilTable.h"
#include "UObject/WeakObjectPtr.h"

class UWorldplateStreamComponent;

namespace Worldplate
{
class FThings
{
public:
	explicit FThings(UWorldplateStreamComponent& InOwner) : Owner(InOwner) {}

	// Every primitive gets back what it had.
	~FThings();

	// When it is time to.
	void Refresh(double NowS);

	// The bodies as they are drawn in this tick, and the contacts since the last one.
	void Gather();
	const FBodyList& Bodies() const { return List; }

	// Of OnComponentHit: between two things that are known.
	void AddContact(const UPrimitiveComponent* A, const UPrimitiveComponent* B, const FVector& PointCm, double ImpulseKgCmPerS, double StepS);

	const std::vector<uint32_t>& Words() const { return Table.Words(); }

private:
	struct FThing
	{
		TWeakObjectPtr<UPrimitiveComponent> Primitive;
		uint8 Label = 0;
		int32 Stencil = 0;
		bool bSeen = false, bBody = false;
	};
	struct FContact
	{
		uint32 A, B;
		FAxis PointCm;
		float ForceN;
	};
	void See(UPrimitiveComponent* Primitive, uint8 Label);
	void Drop(const FThing& Thing, uint64 Key);
	static uint64 KeyOf(const UPrimitiveComponent* Primitive);

	UWorldplateStreamComponent& Owner;
	TMap<uint64, FThing> All;
	TArray<FContact> Touching;
	FStencilTable Table;
	FBodyList List;
	double LookAtS = 0.0;
};
}  // namespace Worldplate

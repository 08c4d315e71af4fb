#include "Capture/Things.h"

#include "Engine/World.h"
#include "EngineUtils.h"
#include "GameFramework/Actor.h"
#include "Values.h"
#include "WorldplateLabelComponent.h"
#include "WorldplateStreamComponent.h"

namespace Worldplate
{
namespace
{
constexpr double LookS = 1.0;
}  // namespace

FThings::~FThings()
{
	for (const TPair<uint64, FThing>& Each : All)
	{
		Drop(Each.Value, Each.Key);
	}
}

void FThings::Refresh(double NowS)
{
	if (NowS < LookAtS)
	{
		return;
	}
	LookAtS = NowS + LookS;
	for (TPair<uint64, FThing>& Each : All)
	{
		Each.Value.bSeen = false;
	}
	for (TActorIterator<AActor> Actor(Owner.GetWorld()); Actor; ++Actor)
	{
		const uint8 Label = static_cast<uint8>(UWorldplateLabelComponent::LabelOf(*Actor));
		TArray<UPrimitiveComponent*> Primitives;
		Actor->GetComponents<UPrimitiveComponent>(Primitives);
		for (UPrimitiveComponent* Primitive : Primitives)
		{
			See(Primitive, Label);
		}
	}
	for (auto Each = All.CreateIterator(); Each; ++Each)
	{
		if (!Each->Value.bSeen)
		{
			Drop(Each->Value, Each->Key);
			Each.RemoveCurrent();
		}
	}
}

void FThings::Gather()
{
	List.Begin();
	for (const TPair<uint64, FThing>& Each : All)
	{
		UPrimitiveComponent* Primitive = Each.Value.Primitive.Get();
		const uint32 Id = Table.IdOf(Each.Key);
		if (Primitive == nullptr || !Each.Value.bBody || Id == FStencilTable::RestId)
		{
			continue;
		}
		const FQuat Turn = Primitive->GetComponentQuat();
		const wp_pose Pose = PoseFrom(AxisOf(Primitive->GetComponentLocation()), {Turn.X, Turn.Y, Turn.Z, Turn.W});
		List.Add(Id, Each.Value.Label, Pose, AxisOf(Primitive->GetPhysicsLinearVelocity()), AxisOf(Primitive->GetPhysicsAngularVelocityInRadians()));
	}
	for (const FContact& Contact : Touching)
	{
		List.AddContact(Contact.A, Contact.B, Contact.PointCm, Contact.ForceN);
	}
	Touching.Reset();
}

void FThings::AddContact(const UPrimitiveComponent* A, const UPrimitiveComponent* B, const FVector& PointCm, double ImpulseKgCmPerS, double StepS)
{
	if (A == nullptr || B == nullptr || StepS <= 0.0)
	{
		return;
	}
	const float ForceN = static_cast<float>(ImpulseKgCmPerS * MetresPerCm / StepS);
	Touching.Add({Table.IdOf(KeyOf(A)), Table.IdOf(KeyOf(B)), AxisOf(PointCm), ForceN});
}

// A custom depth that somebody else uses, as for outlines, is left to them.
void FThings::See(UPrimitiveComponent* Primitive, uint8 Label)
{
	const bool bBody = Primitive->IsSimulatingPhysics();
	const uint64 Key = KeyOf(Primitive);
	FThing* Known = All.Find(Key);
	if ((!bBody && Label == WP_LABEL_UNKNOWN) || (Known == nullptr && Primitive->bRenderCustomDepth))
	{
		return;
	}
	FThing& Thing = All.FindOrAdd(Key);
	const FStencilTable::FPlace Place = Table.Put(Key, Label);
	if (Known == nullptr || Thing.Stencil != Place.Stencil)
	{
		Primitive->SetRenderCustomDepth(true);
		Primitive->SetCustomDepthStencilValue(Place.Stencil);
		Primitive->OnComponentHit.AddUniqueDynamic(&Owner, &UWorldplateStreamComponent::OnBodyHit);
	}
	Thing = {Primitive, Label, Place.Stencil, true, bBody};
}

void FThings::Drop(const FThing& Thing, uint64 Key)
{
	Table.Remove(Key);
	if (UPrimitiveComponent* Primitive = Thing.Primitive.Get())
	{
		Primitive->SetRenderCustomDepth(false);
		Primitive->SetCustomDepthStencilValue(0);
		Primitive->OnComponentHit.RemoveDynamic(&Owner, &UWorldplateStreamComponent::OnBodyHit);
	}
}

uint64 FThings::KeyOf(const UPrimitiveComponent* Primitive)
{
	return static_cast<uint64>(Primitive->GetUniqueID());
}
}  // namespace Worldplate

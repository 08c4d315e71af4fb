#include "WorldplateStreamComponent.h"

#include "Components/PrimitiveComponent.h"
#include "Engine/HitResult.h"
#include "Engine/World.h"
#include "Link/StateWords.h"
#include "Values.h"
#include "WorldplateRuntimeModule.h"
#include "WorldplateStream.h"

using namespace Worldplate;

namespace
{
constexpr double LookS = 0.25, RetryS = 1.0;  // between two looks at the link, and two attempts to start
constexpr int32 LogLines = 60;

FWorldplateStatus StatusOf(const FStateWords& Words)
{
	FWorldplateStatus Status;
	Status.Headline = TextOf(Words.Headline);
	Status.Next = TextOf(Words.Next);
	Status.Mood = Words.Mood == EMood::Good ? EWorldplateMood::Good : Words.Mood == EMood::Bad ? EWorldplateMood::Bad : EWorldplateMood::Waiting;
	return Status;
}

FWorldplateStatus StatusOf(const wp_status& From)
{
	const char* const Transports[] = WP_TRANSPORT_TEXTS;
	FWorldplateStatus Status = StatusOf(StateWordsOf(From));
	Status.bAttached = From.state == WP_LINK_ATTACHED || From.state == WP_LINK_STALLED;
	Status.Model = TextOf(From.model);
	Status.Runtime = TextOf(From.runtime);
	Status.Transport = (TextOf(Transports[From.transport]) + TEXT(" ") + TextOf(From.transport_reason)).TrimEnd();
	Status.PlatesPerSecond = From.plates_per_s;
	Status.AgeP50Ms = From.age_p50_ms;
	Status.AgeP95Ms = From.age_p95_ms;
	Status.Generated = static_cast<int64>(From.dispositions[WP_DISPOSITION_GENERATED]);
	Status.Reprojected = static_cast<int64>(From.dispositions[WP_DISPOSITION_REPROJECTED]);
	Status.Passthrough = static_cast<int64>(From.dispositions[WP_DISPOSITION_PASSTHROUGH]);
	Status.Dropped = static_cast<int64>(From.dispositions[WP_DISPOSITION_DROPPED]);
	return Status;
}

FWorldplateControl ControlOf(const wp_control& From)
{
	FWorldplateControl Control;
	Control.Name = TextOf(From.name);
	Control.Type = static_cast<EWorldplateControlType>(From.type);
	Control.Text = TextOf(From.text);
	Control.Unit = TextOf(From.unit);
	Control.Minimum = From.minimum;
	Control.Maximum = From.maximum;
	Control.Step = From.step;
	Control.DefaultNumber = From.default_number;
	Control.DefaultText = TextOf(From.default_text);
	for (uint32 At = 0; At < From.choice_count; At++)
	{
		Control.Choices.Add(TextOf(From.choices[At]));
	}
	return Control;
}
}  // namespace

UWorldplateStreamComponent::UWorldplateStreamComponent()
{
	PrimaryComponentTick.bCanEverTick = true;
	PrimaryComponentTick.TickGroup = TG_LastDemotable;  // everything has moved
}

void UWorldplateStreamComponent::BeginPlay()
{
	Super::BeginPlay();
	RetryAtS = 0.0;
}

void UWorldplateStreamComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	Stop(TEXT("the stream has ended"));
	Super::EndPlay(Reason);
}

void UWorldplateStreamComponent::TickComponent(float DeltaSeconds, ELevelTick Tick, FActorComponentTickFunction* Function)
{
	Super::TickComponent(DeltaSeconds, Tick, Function);
	const double NowS = FPlatformTime::Seconds();
	if (!Stream.IsValid() && NowS >= RetryAtS)
	{
		RetryAtS = NowS + RetryS;
		Open();
	}
	if (!Stream.IsValid())
	{
		return;
	}
	Stream->Tick(NowS);
	if (NowS >= LookAtS)
	{
		LookAtS = NowS + LookS;
		Look();
	}
}

#if WITH_EDITOR
void UWorldplateStreamComponent::PostEditChangeProperty(FPropertyChangedEvent& Event)
{
	Super::PostEditChangeProperty(Event);
	Restart();
}
#endif

void UWorldplateStreamComponent::OnBodyHit(
	UPrimitiveComponent* Body, AActor* OtherActor, UPrimitiveComponent* Other, FVector NormalImpulse, const FHitResult& Hit)
{
	if (Stream.IsValid())
	{
		Stream->Things().AddContact(Body, Other, Hit.ImpactPoint, NormalImpulse.Size(), GetWorld()->GetDeltaSeconds());
	}
}

void UWorldplateStreamComponent::Open()
{
	FString Why;
	Stream = FWorldplateStream::Open(*this, Why);
	if (!Stream.IsValid())
	{
		Status = StatusOf(StateWordsOfTrouble(BytesOf(Why)));
		return;
	}
	for (const FWorldplateControlValue& Value : ControlValues)
	{
		Warn(Send(Value));
	}
	Warn(SendOwnership());
}

void UWorldplateStreamComponent::Stop(const FString& Reason)
{
	Stream.Reset();
	Status = StatusOf(StateWordsOfTrouble(""));
	Leave(Reason);
}

void UWorldplateStreamComponent::Restart()
{
	if (Stream.IsValid())
	{
		Stop(TEXT("its settings changed"));
		RetryAtS = 0.0;
	}
}

void UWorldplateStreamComponent::Look()
{
	const wp_status Now = Stream->Link().Status();
	Status = StatusOf(Now);
	const wp_model_change Change = Stream->Link().ModelChange();
	Status.ModelChange = TextOf(WordsOfChange(Change));
	Status.bModelLoading = Change.progress == WP_MODEL_LOADING;
	Models.Reset();
	for (const std::string& Name : Stream->Link().Models())
	{
		Models.Add(TextOf(Name));
	}
	std::string Line;
	for (int Level = 0; Stream->Link().NextLog(Line, Level);)
	{
		Log.Add(TextOf(Line));
		UE_CLOG(Level > 0, LogWorldplate, Warning, TEXT("%s"), *Log.Last());
	}
	Log.RemoveAt(0, FMath::Max(0, Log.Num() - LogLines));
	const FString Model = Status.bAttached ? Status.Model : FString();
	const bool bSameSession = Now.session_count == Sessions;
	Sessions = Now.session_count;
	if (Model == AttachedModel)
	{
		return;
	}
	const bool bChangedOver = bSameSession && !Model.IsEmpty() && !AttachedModel.IsEmpty();
	if (!bChangedOver)
	{
		Leave(Now.error_text[0] != '\0' ? TextOf(Now.error_text) : FString(TEXT("the renderer is gone")));
	}
	Meet(Model, bChangedOver);
}

// `bChangedOver`: within the session, where no frame is lost.
void UWorldplateStreamComponent::Meet(const FString& Model, bool bChangedOver)
{
	AttachedModel = Model;
	if (!Model.IsEmpty())
	{
		Controls.Reset();
		for (const wp_control& Control : Stream->Link().Controls())
		{
			Controls.Add(ControlOf(Control));
		}
		UE_LOG(LogWorldplate, Log, TEXT("%s %s on %s"), bChangedOver ? TEXT("Changed over to") : TEXT("Attached to"), *Model, *Status.Runtime);
		OnAttached.Broadcast(Model);
	}
}

void UWorldplateStreamComponent::Leave(const FString& Reason)
{
	if (!AttachedModel.IsEmpty())
	{
		AttachedModel.Reset();
		UE_LOG(LogWorldplate, Log, TEXT("Detached: %s"), *Reason);
		OnDetached.Broadcast(Reason);
	}
}

void UWorldplateStreamComponent::Warn(const FString& Wrong) const
{
	UE_CLOG(!Wrong.IsEmpty(), LogWorldplate, Warning, TEXT("%s"), *Wrong);
}

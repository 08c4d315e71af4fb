#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "LiveLinkTypes.h"
#include "WorldplateTypes.h"

#include "WorldplateStreamComponent.generated.h"

class FWorldplateStream;
struct FHitResult;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FWorldplateAttached, const FString&, Model);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FWorldplateDetached, const FString&, Reason);

/**
 * Shows the plates of a world model over the picture of a player. Run `worldplate serve`, and play. The engine keeps the
 * geometry: when no renderer is there, or it is late or dies, the engine's own picture is shown.
 */
UCLASS(ClassGroup = (Worldplate), meta = (BlueprintSpawnableComponent, DisplayName = "Worldplate Stream"))
class WORLDPLATERUNTIME_API UWorldplateStreamComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	UWorldplateStreamComponent();

	/** Freerun: this frame, with the newest plate there is. Delayed: the frame of so many ago, with its own plate. Offline: for films, each frame waits for its own plate. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Timing")
	EWorldplateSync Sync = EWorldplateSync::Freerun;

	/** What is shown when a frame's own plate is not there. Reproject: the newest plate, carried to where camera and bodies are now. Fade: the same, fading into the engine's picture. Hold: the newest whole picture stays. Passthrough: the engine's own picture. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Timing", meta = (EditCondition = "Sync != EWorldplateSync::Offline"))
	EWorldplateLate Late = EWorldplateLate::Reproject;

	/** How many frames Delayed shows later. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Timing", meta = (ClampMin = "1", ClampMax = "8", EditCondition = "Sync == EWorldplateSync::Delayed"))
	int32 DelayFrames = 1;

	/** How long a frame of a film waits for its plate, seconds. After that it shows the engine's own picture, and the log says so. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Timing", meta = (ClampMin = "1", Units = "s", EditCondition = "Sync == EWorldplateSync::Offline"))
	float FilmPatience = 600.0f;

	/** Size of the planes and of the plate as part of the picture's own. Smaller is faster; what the engine owns stays sharp. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Picture", meta = (ClampMin = "0.1", ClampMax = "1.0"))
	float ResolutionScale = 1.0f;

	/** The same in pixels, whatever the picture's size is, as with dynamic resolution. 0 x 0: by Resolution Scale. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Picture")
	FIntPoint FixedSize = FIntPoint(0, 0);

	/** Whose picture, counted from 0, in a game with several players on one screen. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Picture", meta = (ClampMin = "0"))
	int32 PlayerIndex = 0;

	/** The same seed gives the same look. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Model", meta = (ClampMin = "0"))
	int64 WorldSeed = 0;

	/** What was set for the model's controls; the details panel has a field for each. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate|Model")
	TArray<FWorldplateControlValue> ControlValues;

	/** Things with these labels keep the engine's own pixels. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Engine-owned")
	TArray<EWorldplateLabel> EngineLabels;

	/** What is nearer keeps the engine's own pixels, such as hands and tools. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Engine-owned", meta = (ClampMin = "0", Units = "m"))
	float PlateNear = 0.0f;

	/** What is farther keeps the engine's own pixels. 0: nothing is too far. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Engine-owned", meta = (ClampMin = "0", Units = "m"))
	float PlateFar = 0.0f;

	/** A Live Link camera that moves this actor's camera: place, lens and timecode. Empty: none. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Live Link")
	FLiveLinkSubjectName LiveLinkCamera;

	/** Connection file of a renderer with a runtime folder of its own. Empty: this user's. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "Worldplate|Connection")
	FString ConnectionFile;

	/** A renderer has taken this stream, or changed over to another model. */
	UPROPERTY(BlueprintAssignable, Category = "Worldplate")
	FWorldplateAttached OnAttached;

	/** The renderer has left, or this stream has left it. */
	UPROPERTY(BlueprintAssignable, Category = "Worldplate")
	FWorldplateDetached OnDetached;

	/** Changes a number, an integer or a toggle (0 or 1) from the next frame on, and keeps it. Returns what is wrong, or nothing. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	FString SetNumberControl(const FString& Name, double Value);

	/** The same for a choice or a text. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	FString SetTextControl(const FString& Name, const FString& Value);

	/** Changes Sync, Late or Delay Frames while it runs: the stream starts anew. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	void SetTiming(EWorldplateSync NewSync, EWorldplateLate NewLate, int32 NewDelayFrames);

	/** Changes what the engine keeps, from the next frame on. Returns what is wrong, or nothing. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	FString SetEngineOwned(const TArray<EWorldplateLabel>& Labels, float NearM, float FarM);

	/** Asks the renderer for another of its models, for every engine that it serves. Plates are of the model before until the new one is ready; then On Attached tells its name. Returns what is wrong, or nothing. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	FString UseModel(const FString& Name);

	/** The renderer forgets the world; the next frame is a cut. Returns what is wrong, or nothing. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	FString ResetWorld();

	/** To be called in the frame in which the view jumps. The camera manager's cuts, and jumps of 5 m or a quarter turn, are seen anyway. */
	UFUNCTION(BlueprintCallable, Category = "Worldplate")
	void Cut();

	UFUNCTION(BlueprintPure, Category = "Worldplate")
	FWorldplateStatus GetStatus() const { return Status; }

	/** The model's controls; empty until a renderer was there. */
	UFUNCTION(BlueprintPure, Category = "Worldplate")
	TArray<FWorldplateControl> GetControls() const { return Controls; }

	/** Those that the renderer can change over to, and the one that serves; empty where it keeps its model. */
	UFUNCTION(BlueprintPure, Category = "Worldplate")
	TArray<FString> GetModels() const { return Models; }

	/** The link's log, newest last. */
	UFUNCTION(BlueprintPure, Category = "Worldplate")
	TArray<FString> GetLog() const { return Log; }

	/** What was set for a control; null while it has the model's default. */
	const FWorldplateControlValue* FindControlValue(const FString& Name) const;

	/** For the self-test; null while nothing runs. */
	FWorldplateStream* GetStream() const { return Stream.Get(); }

	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;
	virtual void TickComponent(float DeltaSeconds, ELevelTick Tick, FActorComponentTickFunction* Function) override;
#if WITH_EDITOR
	virtual void PostEditChangeProperty(FPropertyChangedEvent& Event) override;
#endif

	UFUNCTION()
	void OnBodyHit(UPrimitiveComponent* Body, AActor* OtherActor, UPrimitiveComponent* Other, FVector NormalImpulse, const FHitResult& Hit);

private:
	void Open();
	void Stop(const FString& Reason);
	void Restart();
	void Look();
	void Meet(const FString& Model, bool bChangedOver);
	void Leave(const FString& Reason);
	void Keep(const FWorldplateControlValue& Value);
	FString Send(const FWorldplateControlValue& Value);
	FString SendOwnership();
	void Warn(const FString& Wrong) const;

	TSharedPtr<FWorldplateStream> Stream;
	FWorldplateStatus Status;
	TArray<FWorldplateControl> Controls;
	TArray<FString> Models;
	TArray<FString> Log;
	FString AttachedModel;
	uint32 Sessions = 0;
	double LookAtS = 0.0, RetryAtS = 0.0;
};

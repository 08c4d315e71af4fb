// See Core.h.
#pragma once

#include "Core.h"
#include "System.h"

class AActor;
class UWorld;
class FSceneInterface;
struct FTimecode;

class UObject
{
public:
	virtual ~UObject() = default;
	UWorld* GetWorld() const;
	FName GetFName() const;
	uint32 GetUniqueID() const;
	bool Modify();
	static UClass* StaticClass();
};
struct UClass : UObject
{
};
template <typename T> T* Cast(UObject*);
template <typename T> T* NewObject(UObject*);
template <typename T> T* LoadObject(UObject*, const TCHAR*);

template <typename T>
class TWeakObjectPtr
{
public:
	TWeakObjectPtr();
	TWeakObjectPtr(std::nullptr_t);
	template <typename O, typename = std::enable_if_t<std::is_convertible_v<O*, T*>>> TWeakObjectPtr(O*);
	T* Get() const;
	bool IsValid() const;
	T* operator->() const;
	T& operator*() const;
};

enum ETickingGroup { TG_PrePhysics, TG_LastDemotable };
enum ELevelTick { LEVELTICK_All };
namespace EEndPlayReason
{
enum Type { Destroyed };
}
struct FActorComponentTickFunction
{
	bool bCanEverTick;
	ETickingGroup TickGroup;
};
struct FPropertyChangedEvent
{
};
class UActorComponent : public UObject
{
public:
	using Super = UActorComponent;
	FActorComponentTickFunction PrimaryComponentTick;
	AActor* GetOwner() const;
	void RegisterComponent();
	virtual void BeginPlay() {}
	virtual void EndPlay(const EEndPlayReason::Type) {}
	virtual void TickComponent(float, ELevelTick, FActorComponentTickFunction*) {}
	virtual void PostEditChangeProperty(FPropertyChangedEvent&) {}
};
class USceneComponent : public UActorComponent
{
public:
	FVector GetComponentLocation() const;
	FQuat GetComponentQuat() const;
	void SetRelativeTransform(const FTransform&);
};
struct FHitResult
{
	FVector ImpactPoint;
};
class UPrimitiveComponent;
struct FComponentHitSignature
{
	template <typename O> void AddUniqueDynamic(O*, void (O::*)(UPrimitiveComponent*, AActor*, UPrimitiveComponent*, FVector, const FHitResult&));
	template <typename O> void RemoveDynamic(O*, void (O::*)(UPrimitiveComponent*, AActor*, UPrimitiveComponent*, FVector, const FHitResult&));
};
class UPrimitiveComponent : public USceneComponent
{
public:
	uint8 bRenderCustomDepth : 1;
	FComponentHitSignature OnComponentHit;
	bool IsSimulatingPhysics(FName = FName()) const;
	FVector GetPhysicsLinearVelocity(FName = FName());
	FVector GetPhysicsAngularVelocityInRadians(FName = FName()) const;
	void SetRenderCustomDepth(bool);
	void SetCustomDepthStencilValue(int32);
};
class AActor : public UObject
{
public:
	AActor* GetAttachParentActor() const;
	template <typename T> T* FindComponentByClass() const;
	template <typename T> void GetComponents(TArray<T*>&) const;
	bool SetActorLocation(const FVector&);
	bool Destroy();
};
template <typename T>
class TActorIterator
{
public:
	explicit TActorIterator(const UWorld*);
	explicit operator bool() const;
	TActorIterator& operator++();
	T* operator*() const;
	T* operator->() const;
};
class APlayerController : public AActor
{
public:
	AActor* GetViewTarget() const;
	void SetViewTarget(AActor*);
};
class UWorld : public UObject
{
public:
	FSceneInterface* Scene;
	float GetDeltaSeconds() const;
	APlayerController* GetFirstPlayerController() const;
	template <typename T> T* SpawnActor(const FVector&, const FRotator&);
};
class UGameViewportClient
{
public:
	void GetViewportSize(FVector2D&) const;
};
struct UEngine
{
	UGameViewportClient* GameViewport;
};
extern UEngine* GEngine;

class UCameraComponent : public USceneComponent
{
public:
	void SetFieldOfView(float);
};
class ACameraActor : public AActor
{
public:
	UCameraComponent* GetCameraComponent() const;
};
struct FCameraFilmbackSettings
{
	float SensorWidth;
};
struct FCameraFocusSettings
{
	float ManualFocusDistance;
};
class UCineCameraComponent : public UCameraComponent
{
public:
	FCameraFilmbackSettings Filmback;
	FCameraFocusSettings FocusSettings;
	float CurrentFocalLength, CurrentAperture, CurrentFocusDistance;
	void SetCurrentFocalLength(float);
	void SetCurrentAperture(float);
};
namespace EComponentMobility
{
enum Type { Static, Movable };
}
class UStaticMesh : public UObject
{
};
class UMaterialInterface : public UObject
{
};
class UMaterialInstanceDynamic : public UMaterialInterface
{
public:
	static UMaterialInstanceDynamic* Create(UMaterialInterface*, UObject*);
	void SetVectorParameterValue(FName, FLinearColor);
};
class UStaticMeshComponent : public UPrimitiveComponent
{
public:
	void SetMobility(EComponentMobility::Type);
	bool SetStaticMesh(UStaticMesh*);
	void SetMaterial(int32, UMaterialInterface*);
};
class AStaticMeshActor : public AActor
{
public:
	UStaticMeshComponent* GetStaticMeshComponent() const;
};

struct FFrameNumber
{
};
struct FFrameTime
{
	FFrameNumber FrameNumber;
};
struct FFrameRate
{
	int32 Numerator, Denominator;
};
struct FQualifiedFrameTime
{
	FFrameTime Time;
	FFrameRate Rate;
};
struct FTimecode
{
	int32 Hours, Minutes, Seconds, Frames;
	bool bDropFrameFormat;
	static FTimecode FromFrameNumber(const FFrameNumber&, const FFrameRate&);
};
struct FLiveLinkSubjectName
{
	FName Name;
};
struct FLiveLinkMetaData
{
	FQualifiedFrameTime SceneTime;
};
struct FLiveLinkCameraStaticData
{
	bool bIsFieldOfViewSupported, bIsFocalLengthSupported, bIsApertureSupported, bIsFocusDistanceSupported;
};
struct FLiveLinkCameraFrameData
{
	FTransform Transform;
	FLiveLinkMetaData MetaData;
	float FieldOfView, FocalLength, Aperture, FocusDistance;
};
struct FLiveLinkDataStruct
{
	template <typename T> T* Cast();
};
struct FLiveLinkSubjectFrameData
{
	FLiveLinkDataStruct StaticData, FrameData;
};
class ULiveLinkCameraRole : public UObject
{
};
class ILiveLinkClient
{
public:
	static FName ModularFeatureName;
	bool EvaluateFrame_AnyThread(FLiveLinkSubjectName, UClass*, FLiveLinkSubjectFrameData&);
};

#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(Name, Type, Parameter) \
	struct Name \
	{ \
		void Broadcast(Type); \
	}

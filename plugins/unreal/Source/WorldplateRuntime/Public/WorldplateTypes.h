// What Blueprints and the editor see of a stream. Numbers of the enums are those of the protocol.
#pragma once

#include "CoreMinimal.h"

#include "WorldplateTypes.generated.h"

/** When what is shown. */
UENUM(BlueprintType)
enum class EWorldplateSync : uint8
{
	/** This frame, with the newest plate there is. */
	Freerun,
	/** The frame of Delay Frames ago, with its own plate. */
	Delayed,
	/** For films: each frame waits for its own plate. The engine slows down to the model. */
	Offline,
};

/** What is shown when a frame's own plate is not there. */
UENUM(BlueprintType)
enum class EWorldplateLate : uint8
{
	/** The newest plate, carried to where camera and bodies are now. */
	Reproject = 0,
	/** The newest whole picture stays. */
	Hold = 1,
	/** The engine's own picture. */
	Passthrough = 2,
	/** As Reproject, fading into the engine's picture as the plate ages. */
	Fade = 3,
};

/** What a thing is. */
UENUM(BlueprintType)
enum class EWorldplateLabel : uint8
{
	Unknown = 0,
	Sky = 1,
	Ground = 2,
	Wall = 3,
	Stone = 4,
	Roof = 5,
	Wood = 6,
	Metal = 7,
	Fabric = 8,
	Foliage = 9,
	Plastic = 10,
	Water = 11,
	Glass = 12,
	Character = 13,
	Vehicle = 14,
	Light = 15,
};

UENUM(BlueprintType)
enum class EWorldplateControlType : uint8
{
	Number = 0,
	Integer = 1,
	Toggle = 2,
	Choice = 3,
	Text = 4,
};

UENUM(BlueprintType)
enum class EWorldplateMood : uint8
{
	Good,
	Waiting,
	Bad,
};

/** A control that the model declares. */
USTRUCT(BlueprintType)
struct FWorldplateControl
{
	GENERATED_BODY()

	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Name;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") EWorldplateControlType Type = EWorldplateControlType::Number;
	/** What it does. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Text;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Unit;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double Minimum = 0.0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double Maximum = 1.0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double Step = 0.0;
	/** Of numbers and integers; 0 or 1 of toggles. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double DefaultNumber = 0.0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString DefaultText;
	/** Of a choice, in the order to show them. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") TArray<FString> Choices;

	bool IsText() const { return Type == EWorldplateControlType::Choice || Type == EWorldplateControlType::Text; }
};

/** A control's value that differs from the model's default. */
USTRUCT(BlueprintType)
struct FWorldplateControlValue
{
	GENERATED_BODY()

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Worldplate") FString Name;
	/** Choices and texts; else Number holds. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Worldplate") bool bIsText = false;
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Worldplate") double Number = 0.0;
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Worldplate") FString Text;
};

/** How a stream is doing. */
USTRUCT(BlueprintType)
struct FWorldplateStatus
{
	GENERATED_BODY()

	/** In a few words. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Headline;
	/** What to do next; empty: nothing. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Next;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") EWorldplateMood Mood = EWorldplateMood::Waiting;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") bool bAttached = false;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Model;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Runtime;
	/** What becomes of the model that was asked for; empty when none was, or it serves. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString ModelChange;
	/** While a model is being loaded another cannot be asked for. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") bool bModelLoading = false;
	/** How pixels travel, and why not better. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") FString Transport;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double PlatesPerSecond = 0.0;
	/** From the engine state that a shown picture is made of to the moment it is shown, milliseconds. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double AgeP50Ms = 0.0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") double AgeP95Ms = 0.0;
	/** Frames by what became of them. */
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") int64 Generated = 0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") int64 Reprojected = 0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") int64 Passthrough = 0;
	UPROPERTY(BlueprintReadOnly, Category = "Worldplate") int64 Dropped = 0;
};

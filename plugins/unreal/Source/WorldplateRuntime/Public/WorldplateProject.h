#pragma once

#include "CoreMinimal.h"

/** What keeps this project from showing plates, and the setting that puts it right. */
struct FWorldplateTrouble
{
	FString Text;
	/** Of [/Script/Engine.RendererSettings] in DefaultEngine.ini; empty where none can be offered. */
	FString Setting, Value;
};

struct WORLDPLATERUNTIME_API FWorldplateProject
{
	/** In the order in which to put them right; empty: all is well. */
	static TArray<FWorldplateTrouble> Troubles();
};

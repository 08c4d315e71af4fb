#pragma once

#include "CoreMinimal.h"

namespace Worldplate
{
// What the project's settings lack, and the line of DefaultEngine.ini that puts it right.
struct FProjectFix
{
	FString Trouble, Setting, Value;

	bool CanBeDone() const { return !Setting.IsEmpty(); }

	// Writes the line. What to do next.
	FString Do() const;
};

TArray<FProjectFix> ProjectFixes();
}  // namespace Worldplate

// The engine's values and those of the link, into each other.
#pragma once

#include "CoreMinimal.h"
#include "Link/Spaces.h"

#include <string>

namespace Worldplate
{
inline FString TextOf(const std::string& Text)
{
	return FString(UTF8_TO_TCHAR(Text.c_str()));
}

inline FString TextOf(const char* Text)
{
	return FString(UTF8_TO_TCHAR(Text));
}

inline std::string BytesOf(const FString& Text)
{
	return std::string(TCHAR_TO_UTF8(*Text));
}

inline FAxis AxisOf(const FVector& From)
{
	return {From.X, From.Y, From.Z};
}
}  // namespace Worldplate

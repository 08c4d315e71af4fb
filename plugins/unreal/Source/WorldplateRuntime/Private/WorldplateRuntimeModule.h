#pragma once

#include "CoreMinimal.h"
#include "Logging/LogMacros.h"

DECLARE_LOG_CATEGORY_EXTERN(LogWorldplate, Log, All);

namespace Worldplate
{
// Without it no function of the client may be called: on Windows its symbols are found at their first call.
bool HasClientLibrary();
}  // namespace Worldplate

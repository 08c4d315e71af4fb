#pragma once

#include "CoreMinimal.h"
#include "Link/Requirements.h"

namespace Worldplate
{
// Of this project as it runs.
FEngineFacts ReadEngineFacts();
}  // namespace Worldplate

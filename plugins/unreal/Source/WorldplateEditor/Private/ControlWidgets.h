#pragma once

#include "UObject/WeakObjectPtr.h"
#include "WorldplateStreamComponent.h"

class IDetailCategoryBuilder;

namespace Worldplate
{
// A field for a control as the model declares it: number with its range and unit, box, list, text. What is set goes to the
// stream that runs at once, and is kept with the edited one, with undo.
void AddControlRow(
	IDetailCategoryBuilder& Category, const FWorldplateControl& Control, TFunction<UWorldplateStreamComponent*()> Running,
	TWeakObjectPtr<UWorldplateStreamComponent> Edited);

// The renderer's models as a list, and what becomes of the one that is chosen.
void AddModelRow(IDetailCategoryBuilder& Category, TFunction<UWorldplateStreamComponent*()> Running);
}  // namespace Worldplate

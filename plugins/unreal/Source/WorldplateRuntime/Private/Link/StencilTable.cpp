#include "StencilTable.h"

namespace Worldplate
{
std::vector<uint32_t> FStencilTable::InitialWords()
{
	std::vector<uint32_t> Words(2 * Values, 0);
	Words[0] = RestId;
	for (uint32_t Label = 0; Label < WP_LABEL_COUNT; Label++)
	{
		Words[2 * (SharedFrom + Label)] = RestId;
		Words[2 * (SharedFrom + Label) + 1] = Label;
	}
	return Words;
}

FStencilTable::FPlace FStencilTable::Put(uint64_t Key, uint8_t Label)
{
	const uint32_t Known = Label < WP_LABEL_COUNT ? Label : static_cast<uint32_t>(WP_LABEL_UNKNOWN);
	const auto Found = Places.find(Key);
	if (Found != Places.end() && Found->second.Id != RestId)
	{
		All[2 * Found->second.Stencil + 1] = Known;
		return Found->second;
	}
	Remove(Key);
	const uint32_t Value = FreeValue();
	const bool bOwn = Value != 0;
	const FPlace Place = {static_cast<uint8_t>(bOwn ? Value : SharedFrom + Known), bOwn ? ++LastId : RestId};
	if (bOwn)
	{
		All[2 * Value] = Place.Id;
		All[2 * Value + 1] = Known;
	}
	SharedCount += bOwn ? 0 : 1;
	Places.emplace(Key, Place);
	return Place;
}

void FStencilTable::Remove(uint64_t Key)
{
	const auto Found = Places.find(Key);
	if (Found == Places.end())
	{
		return;
	}
	if (Found->second.Id != RestId)
	{
		All[2 * Found->second.Stencil] = All[2 * Found->second.Stencil + 1] = 0;
	}
	SharedCount -= Found->second.Id == RestId ? 1 : 0;
	Places.erase(Found);
}

uint32_t FStencilTable::IdOf(uint64_t Key) const
{
	const auto Found = Places.find(Key);
	return Found != Places.end() ? Found->second.Id : RestId;
}

uint32_t FStencilTable::FreeValue() const
{
	for (uint32_t Value = 1; Value < SharedFrom; Value++)
	{
		if (All[2 * Value] == 0)
		{
			return Value;
		}
	}
	return 0;
}
}  // namespace Worldplate

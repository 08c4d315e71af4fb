// Who is drawn with which custom stencil value. Unreal keeps eight bits for each pixel: 255 things can be told apart; the
// next ones share the value of their label and the id of the rest, so that what they are is told, and not which they are.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "worldplate.h"

namespace Worldplate
{
class FStencilTable
{
public:
	static constexpr uint32_t Values = 256;
	static constexpr uint32_t SharedFrom = Values - WP_LABEL_COUNT;  // one value for each label, for those that share

	static constexpr uint32_t RestId = 1;  // of what has no value of its own; 0 is where nothing is

	struct FPlace
	{
		uint8_t Stencil;
		uint32_t Id;  // RestId: shared
	};

	// `Key` is the thing's own, as its address. An id is given once and never again; a value is given again after Remove.
	FPlace Put(uint64_t Key, uint8_t Label);
	void Remove(uint64_t Key);

	// Id of that thing, RestId when it has none of its own.
	uint32_t IdOf(uint64_t Key) const;

	// For each value: id, label. 0 is the rest; what nobody has is 0, 0.
	const std::vector<uint32_t>& Words() const { return All; }

	// Things that share a value for want of one.
	size_t Shared() const { return SharedCount; }

private:
	uint32_t FreeValue() const;

	std::vector<uint32_t> All = InitialWords();
	std::unordered_map<uint64_t, FPlace> Places;
	uint32_t LastId = RestId;
	size_t SharedCount = 0;

	static std::vector<uint32_t> InitialWords();
};
}  // namespace Worldplate

// Which of a few packs (the planes of one frame, on the GPU) the next frame goes into. Those whose plate may still come, or
// is shown, stay; of the others the oldest goes.
#pragma once

#include <cstdint>
#include <vector>

namespace Worldplate
{
class FPackShelf
{
public:
	static constexpr int SentPacks = 4;  // two in flight, one shown, one that is written

	explicit FPackShelf(uint32_t DelayFrames);

	int Size() const { return static_cast<int>(Packs.size()); }

	// The pack for this frame.
	int Take(uint64_t Id);
	void MarkSent(uint64_t Id);

	// Where the pack of that frame is, or -1.
	int Find(uint64_t Id) const;

	void Clear();

private:
	struct FPack
	{
		uint64_t Id = 0;
		bool bSent = false;
	};
	uint64_t OldestSentToKeep() const;

	std::vector<FPack> Packs;
};
}  // namespace Worldplate

#include "PackShelf.h"

#include <algorithm>
#include <functional>

namespace Worldplate
{
FPackShelf::FPackShelf(uint32_t DelayFrames) : Packs(SentPacks + 2 + DelayFrames)
{
}

int FPackShelf::Take(uint64_t Id)
{
	const uint64_t OldestSent = OldestSentToKeep();
	int Oldest = -1;
	for (int At = 0; At < Size(); At++)
	{
		const bool bKept = Packs[At].bSent && Packs[At].Id >= OldestSent;
		if (!bKept && (Oldest < 0 || Packs[At].Id < Packs[Oldest].Id))
		{
			Oldest = At;
		}
	}
	Packs[Oldest] = {Id, false};
	return Oldest;
}

void FPackShelf::MarkSent(uint64_t Id)
{
	const int At = Find(Id);
	if (At >= 0)
	{
		Packs[At].bSent = true;
	}
}

int FPackShelf::Find(uint64_t Id) const
{
	const auto Found = std::find_if(Packs.begin(), Packs.end(), [Id](const FPack& Pack) { return Pack.Id == Id; });
	return Id != 0 && Found != Packs.end() ? static_cast<int>(Found - Packs.begin()) : -1;
}

void FPackShelf::Clear()
{
	std::fill(Packs.begin(), Packs.end(), FPack());
}

// The SentPacks-th newest of those that were sent.
uint64_t FPackShelf::OldestSentToKeep() const
{
	std::vector<uint64_t> Sent;
	for (const FPack& Pack : Packs)
	{
		if (Pack.bSent)
		{
			Sent.push_back(Pack.Id);
		}
	}
	if (Sent.size() < SentPacks)
	{
		return 0;
	}
	std::nth_element(Sent.begin(), Sent.begin() + SentPacks - 1, Sent.end(), std::greater<uint64_t>());
	return Sent[SentPacks - 1];
}
}  // namespace Worldplate

#include "ReadBackRing.h"

namespace Worldplate
{
FReadBackRing::FReadBackRing(FMake Make, size_t Most) : MakeOne(std::move(Make)), MostEntries(Most)
{
}

FReadBackRing::~FReadBackRing()
{
	Collect();
}

IReadBack* FReadBackRing::Take(uint64_t Id)
{
	for (const std::unique_ptr<FEntry>& Entry : Entries)
	{
		if (Entry->Id == 0)
		{
			Entry->Id = Id;
			return Entry->ReadBack.get();
		}
	}
	if (Entries.size() == MostEntries)
	{
		return nullptr;
	}
	Entries.push_back(std::make_unique<FEntry>());
	Entries.back()->ReadBack = MakeOne();
	Entries.back()->Id = Id;
	return Entries.back()->ReadBack.get();
}

void FReadBackRing::Advance(FLink& Link, const FWatch& Watch)
{
	Collect();
	for (;;)
	{
		FEntry* Oldest = nullptr;
		for (const std::unique_ptr<FEntry>& Entry : Entries)
		{
			if (Entry->Id != 0 && !Entry->bLent && (Oldest == nullptr || Entry->Id < Oldest->Id))
			{
				Oldest = Entry.get();
			}
		}
		if (Oldest == nullptr || !Oldest->ReadBack->IsReady())
		{
			return;
		}
		Send(*Oldest, Link, Watch);
	}
}

void FReadBackRing::Forget()
{
	for (const std::unique_ptr<FEntry>& Entry : Entries)
	{
		Entry->bForgotten = Entry->Id != 0 && !Entry->bLent;
	}
}

size_t FReadBackRing::UnderWay() const
{
	size_t Count = 0;
	for (const std::unique_ptr<FEntry>& Entry : Entries)
	{
		Count += Entry->Id != 0 && !Entry->bLent ? 1 : 0;
	}
	return Count;
}

void FReadBackRing::Collect()
{
	for (const std::unique_ptr<FEntry>& Entry : Entries)
	{
		if (Entry->bLent && Entry->bReleased.load(std::memory_order_acquire))
		{
			Entry->ReadBack->Unlock();
			Entry->Id = 0;
			Entry->bLent = false;
		}
	}
}

void FReadBackRing::Send(FEntry& Entry, FLink& Link, const FWatch& Watch)
{
	const void* Pixels = Entry.bForgotten ? nullptr : Entry.ReadBack->Lock(Link.PixelBytes());
	if (Pixels == nullptr)
	{
		Entry.Id = 0;
		Entry.bForgotten = false;
		return;
	}
	if (Watch)
	{
		Watch(Entry.Id, Pixels);
	}
	Entry.bLent = true;
	Link.Submit(Entry.Id, Pixels, Entry.bReleased);
}
}  // namespace Worldplate

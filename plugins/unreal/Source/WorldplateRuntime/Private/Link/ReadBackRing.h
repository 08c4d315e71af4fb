// Packs on their way from the GPU to the renderer, without a stall and without a copy by the engine: what the GPU has copied
// is locked, lent to the link, and unlocked once the link's worker has read it. One thread (the render thread) calls it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "Link.h"

namespace Worldplate
{
// One copy at a time from the GPU; FRHIGPUBufferReadback in the engine.
class IReadBack
{
public:
	virtual ~IReadBack() = default;
	virtual bool IsReady() = 0;
	virtual const void* Lock(uint64_t Bytes) = 0;  // null when the copy failed
	virtual void Unlock() = 0;
};

class FReadBackRing
{
public:
	using FMake = std::function<std::unique_ptr<IReadBack>()>;
	using FWatch = std::function<void(uint64_t Id, const void* Pixels)>;

	// `Most`: copies that may be under way; frames beyond them are not sent.
	FReadBackRing(FMake Make, size_t Most);

	// The link is closed by then: all is released.
	~FReadBackRing();

	// Room for the pixels of a frame, or null. The caller begins the copy in this frame; it is asked for from the next one on.
	IReadBack* Take(uint64_t Id);

	// Once a frame, before Take: what has come is submitted in the order of its frames, what was read is unlocked. `Watch` may look at
	// the pixels before they go.
	void Advance(FLink& Link, const FWatch& Watch);

	// Planes of another size follow: what is under way is let go when it comes.
	void Forget();

	// Copies that are neither submitted nor let go.
	size_t UnderWay() const;

private:
	struct FEntry
	{
		std::unique_ptr<IReadBack> ReadBack;
		uint64_t Id = 0;  // 0: idle
		std::atomic<bool> bReleased = false;
		bool bLent = false, bForgotten = false;
	};
	void Collect();
	void Send(FEntry& Entry, FLink& Link, const FWatch& Watch);

	FMake MakeOne;
	size_t MostEntries;
	std::vector<std::unique_ptr<FEntry>> Entries;  // on the heap: the worker writes bReleased
};
}  // namespace Worldplate

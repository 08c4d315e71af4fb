#include "OfflineStep.h"

#include <chrono>
#include <thread>

namespace Worldplate
{
namespace
{
// The worker marks pixels within its turn; nothing may touch them before.
void WaitUntil(const std::atomic<bool>& bReleased)
{
	while (!bReleased.load(std::memory_order_acquire))
	{
		std::this_thread::sleep_for(std::chrono::microseconds(200));
	}
}
}  // namespace

const wp_picture* OfflineStep(FLink& Link, uint64_t Id, const void* Pixels, double PatienceMs, std::string& Why)
{
	std::atomic<bool> bReleased = false;
	const bool bSent = Link.Submit(Id, Pixels, bReleased);
	const bool bThere = bSent && Link.Wait(Id, PatienceMs);
	Why = bThere ? "" : Link.Why();
	WaitUntil(bReleased);
	const wp_picture& Picture = Link.Present();
	if (bThere && Picture.plate_id == Id && Picture.plate != nullptr)
	{
		return &Picture;
	}
	Why = Why.empty() ? Picture.reason : Why;
	return nullptr;
}
}  // namespace Worldplate

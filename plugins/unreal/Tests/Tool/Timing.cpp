// What the plugin's link costs the engine's threads, per frame.
#include <ctime>

#include "Commands.h"
#include "Stage.h"

namespace Worldplate
{
namespace
{
constexpr int BodyCount = 50, PeriodMs = 16;

// Of this thread alone, microseconds: what other processes take does not count.
double CpuUs()
{
	timespec Now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &Now);
	return static_cast<double>(Now.tv_sec) * 1e6 + static_cast<double>(Now.tv_nsec) * 1e-3;
}

// As the GPU's memory is: there, and two frames late.
class FMappedReadBack : public IReadBack
{
public:
	explicit FMappedReadBack(const std::vector<unsigned char>& InPixels) : Pixels(InPixels) {}
	void Begin() { Looks = 0; }
	bool IsReady() override { return ++Looks > 2; }
	const void* Lock(uint64_t) override { return Pixels.data(); }
	void Unlock() override {}

private:
	const std::vector<unsigned char>& Pixels;
	int Looks = 0;
};
}  // namespace

// A line for each frame that sent pixels and showed a plate: microseconds of this thread for the frame's state, for
// read-backs, and for what is shown.
void Time(const std::string& Folder, int Count)
{
	FStage Stage(Folder, WP_SYNC_MODE_FREERUN, WP_LATE_POLICY_REPROJECT, 1, 1280, 720);
	Stage.BodyCount = BodyCount;
	Stage.Until(WP_LINK_ATTACHED);
	const std::vector<unsigned char> Pixels = Stage.Pixels(0x3c00);
	FReadBackRing ReadBacks([&Pixels] { return std::make_unique<FMappedReadBack>(Pixels); }, 4);
	int Shown = 0;
	for (int Number = 1; Shown < Count && Number < 20 * Count; Number++)
	{
		const double Start = CpuUs();
		const uint64_t Id = Stage.Begin(Number % 100);
		Stage.Shelf.Take(Id);
		const double Begun = CpuUs();
		ReadBacks.Advance(*Stage.Link, nullptr);
		IReadBack* Room = Stage.Link->WantsPixels() ? ReadBacks.Take(Id) : nullptr;
		if (Room != nullptr)
		{
			static_cast<FMappedReadBack*>(Room)->Begin();
			Stage.Shelf.MarkSent(Id);
		}
		const double Sent = CpuUs();
		const FShown Now = Stage.Presenter->Next(Id);
		const bool bWhole = !Now.bNewPlate || Stage.Presenter->PlateTaken();
		const double Planned = CpuUs();
		if (Now.SourcePack >= 0 && bWhole)
		{
			std::printf("%.2f %.2f %.2f\n", Begun - Start, Sent - Begun, Planned - Sent);
			Shown++;
		}
		SleepMs(PeriodMs);
	}
	Stage.Link.reset();  // before the read-backs that it was lent
}
}  // namespace Worldplate

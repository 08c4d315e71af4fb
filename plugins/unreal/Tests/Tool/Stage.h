// An engine without an engine: packs in memory, and read-backs that come some frames late, around the plugin's own link.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "CameraTrack.h"
#include "Half.h"
#include "Link.h"
#include "OfflineStep.h"
#include "PackShelf.h"
#include "Presenter.h"
#include "ReadBackRing.h"

namespace Worldplate
{
constexpr double PatienceMs = 20000.0;

[[noreturn]] inline void Fail(const std::string& What)
{
	std::printf("failed: %s (%s)\n", What.c_str(), wp_last_error());
	std::exit(1);
}

inline void SleepMs(int Ms)
{
	std::this_thread::sleep_for(std::chrono::milliseconds(Ms));
}

// Copied by a GPU that is `Latency` looks behind.
class FSlowReadBack : public IReadBack
{
public:
	static inline int Latency = 2, Locked = 0;

	void Begin(std::vector<unsigned char> InPixels)
	{
		Pixels = std::move(InPixels);
		Looks = 0;
	}
	bool IsReady() override { return ++Looks > Latency; }
	const void* Lock(uint64_t Bytes) override
	{
		Locked++;
		return Bytes == Pixels.size() ? Pixels.data() : nullptr;
	}
	void Unlock() override
	{
		Locked--;
		Pixels.assign(Pixels.size(), 0xee);  // who reads it now reads nonsense
	}

private:
	std::vector<unsigned char> Pixels;
	int Looks = 0;
};

struct FStage
{
	FStage(const std::string& Folder, wp_sync_mode Sync, wp_late_policy Late, uint32_t Delay = 1, uint32_t Width = 64, uint32_t Height = 36)
		: Shelf(Delay), ReadBacks([] { return std::make_unique<FSlowReadBack>(); }, 4)
	{
		FLinkSettings Settings;
		Settings.WidthPx = Width;
		Settings.HeightPx = Height;
		Settings.Sync = Sync;
		Settings.Late = Late;
		Settings.DelayFrames = Delay;
		Settings.Engine = "Unreal stage";
		Settings.ConnectionFile = Folder + "/connection.json";
		std::string Why;
		Link = FLink::Open(Settings, Why);
		if (Link == nullptr)
		{
			Fail("open: " + Why);
		}
		Presenter = std::make_unique<FPresenter>(*Link, Shelf);
		View = {{0, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 0}, {}, {0, 0}, static_cast<int>(Width), static_cast<int>(Height)};
		View.Projection[0] = 1.0;
		View.Projection[5] = 1.7;
		View.Projection[11] = 1.0;
		View.Projection[14] = 10.0;
	}

	// As the plugin does: read-backs go on after the link, which releases them.
	~FStage() { Link.reset(); }

	void Until(wp_link_state State)
	{
		for (int WaitedMs = 0; Link->Status().state != State; WaitedMs += 2)
		{
			if (WaitedMs > PatienceMs)
			{
				Fail(std::string("state ") + Link->Status().error_text);
			}
			SleepMs(2);
		}
	}

	uint64_t Begin(double RightCm, wp_reset Reset = WP_RESET_NONE)
	{
		View.OriginCm.Y = RightCm;
		const bool bReset = Track.Advance(View, Reset != WP_RESET_NONE);
		Bodies.Begin();
		for (uint32_t Body = 1; Body <= BodyCount; Body++)
		{
			Bodies.Add(Body, WP_LABEL_WOOD, PoseFrom({300.0 + RightCm, 10.0 * Body, 0}, {0, 0, 0, 1}), {100, 0, 0}, {0, 0, 1});
		}
		if (bReset)
		{
			Bodies.Forget();
		}
		const uint64_t Id = Link->BeginFrame(Track.Camera(), Bodies, bReset ? WP_RESET_CUT : WP_RESET_NONE, nullptr);
		if (Id == 0)
		{
			Fail("begin: " + Link->Why());
		}
		return Id;
	}

	// Color is `Bits` in every half; all else 1 m away, at rest and id 1.
	std::vector<unsigned char> Pixels(uint16_t Bits) const
	{
		std::vector<unsigned char> All(Link->PixelBytes(), 0);
		const std::vector<wp_plane_place>& Places = Link->Places();
		const size_t Count = static_cast<size_t>(View.WidthPx) * static_cast<size_t>(View.HeightPx);
		const std::vector<uint16_t> Halves(4 * Count, Bits);
		const std::vector<float> Depths(Count, 1.0f);
		const std::vector<uint32_t> Ids(Count, 1u);
		std::memcpy(All.data() + Places[0].offset_bytes, Halves.data(), 8 * Count);
		std::memcpy(All.data() + Places[1].offset_bytes, Depths.data(), 4 * Count);
		std::memcpy(All.data() + Places[6].offset_bytes, Ids.data(), 4 * Count);
		return All;
	}

	// One frame as the plugin's: packed, read back when it is wanted, what has come sent, what to show planned.
	FShown Frame(uint64_t Id, uint16_t Bits)
	{
		Shelf.Take(Id);
		ReadBacks.Advance(*Link, nullptr);
		IReadBack* Room = Link->WantsPixels() ? ReadBacks.Take(Id) : nullptr;
		if (Room != nullptr)
		{
			static_cast<FSlowReadBack*>(Room)->Begin(Pixels(Bits));
			Shelf.MarkSent(Id);
		}
		const FShown Shown = Presenter->Next(Id);
		if (Shown.bNewPlate && !Presenter->PlateTaken())
		{
			Fail("the plate was overwritten");
		}
		return Shown;
	}

	// As the plugin does when the view's size changes.
	void Resize(int WidthPx, int HeightPx)
	{
		View.WidthPx = WidthPx;
		View.HeightPx = HeightPx;
		ReadBacks.Forget();
		Shelf.Clear();
		Presenter->Forget();
		const std::string Why = Link->Resize(static_cast<uint32_t>(WidthPx), static_cast<uint32_t>(HeightPx));
		if (!Why.empty())
		{
			Fail("resize: " + Why);
		}
	}

	bool PlateIs(const wp_picture& Picture, uint16_t Bits) const
	{
		bool bSame = Picture.plate != nullptr;
		for (uint32_t Row = 0; bSame && Row < Picture.height; Row++)
		{
			const auto* Halves = reinterpret_cast<const uint16_t*>(static_cast<const unsigned char*>(Picture.plate) + size_t(Row) * Picture.row_pitch_bytes);
			for (uint32_t At = 0; At < 4 * Picture.width; At++)
			{
				bSame = bSame && Halves[At] == Bits;
			}
		}
		return bSame && Link->PlateIsWhole();
	}

	uint32_t BodyCount = 0;
	FView View = {};
	FCameraTrack Track;
	FBodyList Bodies;
	FPackShelf Shelf;
	FReadBackRing ReadBacks;
	std::unique_ptr<FLink> Link;
	std::unique_ptr<FPresenter> Presenter;
};
}  // namespace Worldplate

// Commands that need a renderer.
#include <iostream>

#include "Commands.h"
#include "Stage.h"
#include "StateWords.h"

namespace Worldplate
{
namespace
{
const char* const Dispositions[] = WP_DISPOSITION_TEXTS;
const char* const Transports[] = WP_TRANSPORT_TEXTS;

wp_late_policy PolicyOf(const std::string& Name)
{
	const char* const Names[] = WP_LATE_POLICY_TEXTS;
	for (int At = 0; At < WP_LATE_POLICY_COUNT; At++)
	{
		if (Name == Names[At])
		{
			return static_cast<wp_late_policy>(At);
		}
	}
	Fail("no policy " + Name);
}
}  // namespace

// Each in turn, offline: every plate is its own frame's colour, bit for bit.
void OfflineFrames(const std::string& Folder, int Count)
{
	FStage Stage(Folder, WP_SYNC_MODE_OFFLINE, WP_LATE_POLICY_PASSTHROUGH);
	Stage.Until(WP_LINK_ATTACHED);
	int Exact = 0;
	for (int Number = 1; Number <= Count; Number++)
	{
		const uint16_t Bits = static_cast<uint16_t>(0x3000 + Number);
		const uint64_t Id = Stage.Begin(Number);
		const std::vector<unsigned char> Pixels = Stage.Pixels(Bits);
		std::string Why;
		const wp_picture* Picture = OfflineStep(*Stage.Link, Id, Pixels.data(), PatienceMs, Why);
		Exact += Picture != nullptr && Stage.PlateIs(*Picture, Bits) ? 1 : 0;
	}
	const wp_status Status = Stage.Link->Status();
	std::printf("exact %d\ntransport %s\nmodel %s\ngenerated %llu\n", Exact, Transports[Status.transport], Status.model,
		static_cast<unsigned long long>(Status.dispositions[WP_DISPOSITION_GENERATED]));
}

// A film's frame when the renderer is gone: the reason, at once.
void OfflineAlone(const std::string& Folder)
{
	FStage Stage(Folder, WP_SYNC_MODE_OFFLINE, WP_LATE_POLICY_PASSTHROUGH);
	const uint64_t Id = Stage.Begin(1);
	const std::vector<unsigned char> Pixels = Stage.Pixels(0x3c00);
	std::string Why;
	const bool bThere = OfflineStep(*Stage.Link, Id, Pixels.data(), 50.0, Why) != nullptr;
	std::printf("%s %s\n", bThere ? "plate" : "engine", Why.c_str());
}

// Freerun through the ring of late read-backs until that many frames had a plate, with a change of size in the middle: what is
// shown is always in the shelf, and plates that lie over a frame are that frame's own or carried.
void FreerunFrames(const std::string& Folder, int Count)
{
	FStage Stage(Folder, WP_SYNC_MODE_FREERUN, WP_LATE_POLICY_REPROJECT);
	Stage.BodyCount = 100;
	Stage.Until(WP_LINK_ATTACHED);
	int Plated = 0, Carried = 0, Wrong = 0;
	for (int Number = 1; Plated < Count; Number++)
	{
		if (2 * Plated == Count && Stage.View.WidthPx == 64)
		{
			Stage.Resize(32, 18);
		}
		const FShown Shown = Stage.Frame(Stage.Begin(Number % 100), 0x3c00);
		const bool bPlate = Shown.SourcePack >= 0;
		Plated += bPlate ? 1 : 0;
		Carried += Shown.bCarried ? 1 : 0;
		Wrong += bPlate && Shown.bCarried != (Shown.PlateId != Shown.TargetId) ? 1 : 0;
		Wrong += bPlate && Stage.Shelf.Find(Shown.PlateId) != Shown.SourcePack ? 1 : 0;
		Wrong += Shown.bCarried && Stage.Presenter->Carry().Words().size() != FCarry::HeadWords + 100 * FCarry::BodyWords ? 1 : 0;
		if (Number * 2 > PatienceMs)
		{
			Fail("only " + std::to_string(Plated) + " plates");
		}
		SleepMs(2);
	}
	std::printf("plated %d\ncarried %s\nwrong %d\n", Plated, Carried > 0 ? "some" : "none", Wrong);
}

// The model's controls, then setting each of them, well and badly.
void Controls(const std::string& Folder)
{
	FStage Stage(Folder, WP_SYNC_MODE_FREERUN, WP_LATE_POLICY_REPROJECT);
	Stage.Until(WP_LINK_ATTACHED);
	const char* const Types[] = {"number", "integer", "toggle", "choice", "text"};
	for (const wp_control& Control : Stage.Link->Controls())
	{
		const bool bNumber = Control.type <= WP_CONTROL_TYPE_TOGGLE;
		std::printf("%s %s\n", Control.name, Types[Control.type]);
		std::printf("set %s\n", (bNumber ? Stage.Link->SetNumber(Control.name, Control.maximum) : Stage.Link->SetText(Control.name, "dusk")).c_str());
		std::printf("set %s\n", Stage.Link->SetNumber(Control.name, 1e9).c_str());
	}
	std::printf("none %s\n", Stage.Link->SetNumber("no such", 1.0).c_str());
	std::printf("labels %s\n", Stage.Link->SetEngineLabels({WP_LABEL_WATER}).c_str());
	std::printf("range %s\n", Stage.Link->SetPlateRange(3.0, 1.0).c_str());
	std::printf("world %s\n", Stage.Link->ResetWorld().c_str());
}

// The renderer's models; one that it has not is asked for, then another that it has, with frames all the while.
void Models(const std::string& Folder, const std::string& Name)
{
	FStage Stage(Folder, WP_SYNC_MODE_OFFLINE, WP_LATE_POLICY_REPROJECT);
	Stage.Until(WP_LINK_ATTACHED);
	FLink& Link = *Stage.Link;
	std::printf("models");
	for (const std::string& Each : Link.Models())
	{
		std::printf(" %s", Each.c_str());
	}
	std::printf("\nno name: %s\n", Link.UseModel("a/b").c_str());
	const std::vector<unsigned char> Pixels = Stage.Pixels(0x3c00);
	int Number = 0, Missing = 0;
	for (const std::string& Wanted : {std::string("absent"), Name})
	{
		std::printf("asked: %s\n", Link.UseModel(Wanted).c_str());
		std::printf("loading: %s\n", WordsOfChange(Link.ModelChange()).c_str());
		std::printf("again: %s\n", Link.UseModel(Name).c_str());
		std::fflush(stdout);
		do
		{
			std::string Why;
			Missing += OfflineStep(Link, Stage.Begin(++Number), Pixels.data(), PatienceMs, Why) != nullptr ? 0 : 1;
		} while (Link.ModelChange().progress == WP_MODEL_LOADING);
		std::printf("%s: %s\n", Link.ModelChange().progress == WP_MODEL_SERVES ? "serves" : "refused", WordsOfChange(Link.ModelChange()).c_str());
		std::printf("model: %s, sessions %u\n", Link.Status().model, Link.Status().session_count);
	}
	std::printf("missing %d\n", Missing);
}

// A plate is there, then the renderer gives no more: what is shown in the 14 frames after it, the last of them a cut.
void Late(const std::string& Folder, const std::string& Policy)
{
	FStage Stage(Folder, WP_SYNC_MODE_FREERUN, PolicyOf(Policy));
	Stage.Until(WP_LINK_ATTACHED);
	const uint64_t First = Stage.Begin(0);
	const std::vector<unsigned char> Pixels = Stage.Pixels(0x3c00);
	std::atomic<bool> bReleased = false;
	Stage.Shelf.Take(First);
	Stage.Shelf.MarkSent(First);
	Stage.Link->Submit(First, Pixels.data(), bReleased);
	Stage.Link->Wait(First, PatienceMs);
	Stage.Presenter->Next(First);
	Stage.Presenter->PlateTaken();
	for (int Number = 1; Number <= 14; Number++)
	{
		const uint64_t Id = Stage.Begin(Number, Number == 14 ? WP_RESET_CUT : WP_RESET_NONE);
		Stage.Shelf.Take(Id);
		const FShown Shown = Stage.Presenter->Next(Id);
		const bool bPlate = Shown.SourcePack >= 0;
		float RightM = 0.0f;  // where the plate's camera stood, as the carry's first matrix has it
		std::memcpy(&RightM, &Stage.Presenter->Carry().Words()[3], sizeof(RightM));
		std::printf("%s %d %s %.2f %.2f\n", bPlate ? "plate" : "engine", static_cast<int>(Shown.PlateId), Dispositions[Shown.Plate->disposition],
			bPlate ? Shown.Strength : 0.0f, static_cast<double>(RightM));
	}
	while (!bReleased)
	{
		SleepMs(1);
	}
}

// Frames until the standard input says what has happened to the renderer.
void Kill(const std::string& Folder)
{
	FStage Stage(Folder, WP_SYNC_MODE_FREERUN, WP_LATE_POLICY_REPROJECT);
	int Number = 0;
	const auto Show = [&](bool bPlates)
	{
		for (int WaitedMs = 0; WaitedMs < PatienceMs; WaitedMs += 5)
		{
			const uint64_t Id = Stage.Begin(++Number);
			const FShown Shown = Stage.Frame(Id, 0x3c00);
			const bool bAttached = Stage.Link->Status().state == WP_LINK_ATTACHED;
			if ((Shown.SourcePack >= 0) == bPlates && bAttached == bPlates)
			{
				std::printf("%s %u\n", bPlates ? "plate" : "engine", Stage.Link->Status().session_count);
				std::fflush(stdout);
				return;
			}
			SleepMs(5);
		}
		Fail(bPlates ? "no plates" : "still plates");
	};
	std::string Said;
	Show(true);
	std::getline(std::cin, Said);
	Show(false);
	std::getline(std::cin, Said);
	Show(true);
}
}  // namespace Worldplate

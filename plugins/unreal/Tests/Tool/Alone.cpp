// Commands that need no renderer.
#include <cmath>
#include <iostream>
#include <limits>
#include <sstream>

#include "Commands.h"
#include "Conventions.h"
#include "Requirements.h"
#include "Stage.h"
#include "StateWords.h"
#include "StencilTable.h"

namespace Worldplate
{
namespace
{
void Print(const double* Values, int Count)
{
	for (int At = 0; At < Count; At++)
	{
		std::printf("%.17g ", Values[At]);
	}
}

void Print(const float* Values, int Count)
{
	for (int At = 0; At < Count; At++)
	{
		std::printf("%.9g ", static_cast<double>(Values[At]));
	}
}

FAxis AxisOf(std::istream& From)
{
	FAxis Axis;
	From >> Axis.X >> Axis.Y >> Axis.Z;
	return Axis;
}

void Half(unsigned char* To, float Value)
{
	// Exact for the few values that the self-test's scene has, nearest below for the others.
	int Exponent = 0;
	const float Part = std::frexp(std::fabs(Value), &Exponent);
	uint16_t Bits = Value == 0.0f ? 0 : static_cast<uint16_t>(((Exponent + 14) << 10) + static_cast<int>(std::lround((2.0f * Part - 1.0f) * 1024.0f)));
	Bits = static_cast<uint16_t>(Bits | (Value < 0.0f ? 0x8000 : 0));
	std::memcpy(To, &Bits, 2);
}
}  // namespace

// Lines of the input: previous origin, origin, right, up, forward, 16 of a projection, jitter, width, height. Out: position,
// orientation, projection, jitter, near, far, reset; previous clip of a view-space point (1, 2, -5) and of that direction;
// vector and angular velocity of `right`.
void Spaces()
{
	for (std::string Line; std::getline(std::cin, Line);)
	{
		std::istringstream In(Line);
		FView View;
		const FAxis Before = AxisOf(In);
		const FAxis Origin = AxisOf(In);
		View.Right = AxisOf(In);
		View.Up = AxisOf(In);
		View.Forward = AxisOf(In);
		for (double& Part : View.Projection)
		{
			In >> Part;
		}
		In >> View.JitterNdc[0] >> View.JitterNdc[1] >> View.WidthPx >> View.HeightPx;
		FCameraTrack Track;
		View.OriginCm = Before;
		Track.Advance(View, false);
		View.OriginCm = Origin;
		const bool bReset = Track.Advance(View, false);
		const wp_camera& Camera = Track.Camera();
		float FromView[16], FromFar[16], Clip[8] = {};
		Track.PreviousClip(FromView, FromFar);
		const float Point[4] = {1.0f, 2.0f, -5.0f, 1.0f};
		for (int Row = 0; Row < 4; Row++)
		{
			for (int Column = 0; Column < 4; Column++)
			{
				Clip[Row] += FromView[4 * Row + Column] * Point[Column];
				Clip[4 + Row] += FromFar[4 * Row + Column] * Point[Column];
			}
		}
		float Vector[6];
		VectorFrom(View.Right, 1.0f, Vector);
		AngularVelocityFrom(View.Right, Vector + 3);
		Print(Camera.world_from_camera.position_m, 3);
		Print(Camera.world_from_camera.orientation, 4);
		Print(Camera.projection, 16);
		Print(Camera.jitter_px, 2);
		std::printf("%.17g %.17g %d ", Camera.near_m, Camera.far_m, bReset ? 1 : 0);
		Print(Clip, 8);
		Print(Vector, 6);
		std::printf("\n");
	}
}

void Words()
{
	wp_status Status = {};
	const FStateWords Waiting = StateWordsOf(Status);
	std::printf("%s; %s\n", Waiting.Headline.c_str(), Waiting.Next.c_str());
	Status.state = WP_LINK_REFUSED;
	std::strcpy(Status.error_text, "no depth.");
	std::strcpy(Status.error_fix, "Send it.");
	std::printf("%s; %s\n", StateWordsOf(Status).Headline.c_str(), StateWordsOf(Status).Next.c_str());
	Status.state = WP_LINK_STALLED;
	std::printf("%s\n", StateWordsOf(Status).Headline.c_str());
	Status.plates_per_s = 0.5;
	std::printf("%s\n", StateWordsOf(Status).Headline.c_str());
	FLinkSettings Large;
	Large.WidthPx = 9000;
	Large.HeightPx = 36;
	std::string Why;
	std::printf("%s %s\n", FLink::Open(Large, Why) == nullptr ? "refused" : "opened", Why.c_str());
}

// One word a trouble: its setting, or `none`; `!` where it blocks.
void Troubles()
{
	const auto Say = [](const char* Name, const FEngineFacts& Facts)
	{
		std::printf("%s:", Name);
		for (const FTrouble& Trouble : TroublesOf(Facts))
		{
			std::printf(" %s%s", Trouble.bBlocks ? "!" : "", Trouble.Fix.Name.empty() ? "none" : (Trouble.Fix.Name + "=" + Trouble.Fix.Value).c_str());
		}
		std::printf("\n");
	};
	Say("fine", {});
	Say("blendable", {1, 0, 0, 3, 6});
	Say("adaptive", {1, 1, 0, 3, 6});
	Say("old substrate", {1, -1, 0, 3, 6});
	Say("forward", {0, -1, 1, 3, 5});
	Say("no stencil", {0, -1, 0, 1, 5});
	Say("mobile", {0, -1, 0, 3, 4});
}

// Frames, each third of them sent: for each, how many of the last four that were sent are still there.
void Shelf()
{
	FPackShelf Packs(2);
	std::printf("packs %d\n", Packs.Size());
	int Missing = 0, Doubled = 0;
	for (uint64_t Id = 1; Id <= 300; Id++)
	{
		const int At = Packs.Take(Id);
		Doubled += Packs.Find(Id) != At ? 1 : 0;
		if (Id % 3 == 0)
		{
			Packs.MarkSent(Id);
		}
		const uint64_t Newest = Id - Id % 3;
		for (uint64_t Back = 0; Back < 4 && Newest > 3 * Back; Back++)
		{
			Missing += Packs.Find(Newest - 3 * Back) < 0 ? 1 : 0;
		}
		Missing += Id > 1 && Packs.Find(Id - 1) < 0 ? 1 : 0;  // what a delay of one frame shows
	}
	std::printf("missing %d doubled %d gone %d\n", Missing, Doubled, Packs.Find(7));
}

void Stencils()
{
	FStencilTable Table;
	const FStencilTable::FPlace Box = Table.Put(1000, WP_LABEL_WOOD);
	std::printf("box %u %u %u\n", Box.Stencil, Box.Id, Table.Words()[2 * Box.Stencil + 1]);
	Table.Put(1000, WP_LABEL_METAL);
	std::printf("again %u %u\n", Table.IdOf(1000), Table.Words()[2 * Box.Stencil + 1]);
	Table.Remove(1000);
	std::printf("removed %u %u\n", Table.IdOf(1000), Table.Words()[2 * Box.Stencil]);
	const FStencilTable::FPlace Next = Table.Put(2000, WP_LABEL_WOOD);
	std::printf("next %u %u\n", Next.Stencil, Next.Id);
	for (uint64_t Key = 1; Key <= 300; Key++)
	{
		Table.Put(Key, WP_LABEL_WATER);
	}
	const FStencilTable::FPlace Shared = Table.Put(300, WP_LABEL_WATER);
	std::printf("shared %zu %u %u\n", Table.Shared(), Shared.Id, Table.Words()[2 * Shared.Stencil + 1]);
	Table.Remove(300);
	Table.Remove(1);
	const FStencilTable::FPlace Late = Table.Put(301, WP_LABEL_WATER);
	std::printf("late %zu %u\n", Table.Shared(), Late.Id);
}

// Two frames of a body that moves 1 m to the right; what is refused; a contact that both bodies tell of.
void BodyLists()
{
	FBodyList List;
	for (int Frame = 0; Frame < 2; Frame++)
	{
		List.Begin();
		List.Add(7, WP_LABEL_WOOD, PoseFrom({0, 100.0 * Frame, 0}, {0, 0, 0, 1}), {0, 100, 0}, {0, 0, 2});
		List.Add(7, WP_LABEL_WOOD, PoseFrom({0, 0, 0}, {0, 0, 0, 1}), {0, 0, 0}, {0, 0, 0});
		List.Add(0, WP_LABEL_WOOD, PoseFrom({0, 0, 0}, {0, 0, 0, 1}), {0, 0, 0}, {0, 0, 0});
		List.AddContact(7, 1, {10, 20, 30}, 5.0f);
		List.AddContact(1, 7, {10, 20, 30.05}, 5.0f);
		List.AddContact(7, 7, {10, 20, 30}, 5.0f);
		List.AddContact(7, 0, {10, 20, 30}, 5.0f);
	}
	const wp_body& Body = List.Bodies()[0];
	std::printf("bodies %zu moved %g %g at %g turning %g\n", List.Bodies().size(), Body.previous_world_from_body.position_m[0],
		Body.world_from_body.position_m[0], static_cast<double>(Body.velocity_m_s[0]), static_cast<double>(Body.angular_velocity_rad_s[1]));
	const wp_contact& Contact = List.Contacts()[0];
	std::printf("contacts %zu of %u %u at %g %g %g\n", List.Contacts().size(), Contact.ids[0], Contact.ids[1],
		static_cast<double>(Contact.point_m[0]), static_cast<double>(Contact.point_m[1]), static_cast<double>(Contact.point_m[2]));
	List.Forget();
	std::printf("forgotten %g\n", List.Bodies()[0].previous_world_from_body.position_m[0]);
}

// The self-test's scene as it should be, then with each mistake: what does not hold.
void SelfTest()
{
	constexpr int Width = 192, Height = 108;
	std::vector<wp_plane_place> Places;
	uint64_t Bytes = 0;
	const uint32_t PixelBytes[] = {8, 4, 8, 4, 8, 4, 4, 1};
	for (const wp_plane& Plane : FLink::Planes())
	{
		Places.push_back({Plane.name, Plane.format, Width * PixelBytes[Plane.name], Bytes});
		Bytes += (Width * Height * PixelBytes[Plane.name] + 63) / 64 * 64;
	}
	const char* const Mistakes[] = {"none", "rows", "columns", "depth", "normal", "motion", "albedo", "label", "id", "sky"};
	for (const std::string Mistake : Mistakes)
	{
		std::vector<unsigned char> Pixels(Bytes, 0);
		const float Sky = Mistake == "sky" ? 1000.0f : std::numeric_limits<float>::infinity();
		for (int Y = 0; Y < Height; Y++)
		{
			for (int X = 0; X < Width; X++)
			{
				const int Row = Mistake == "rows" ? Height - 1 - Y : Y, Column = Mistake == "columns" ? Width - 1 - X : X;
				const bool bBox = Column > 105 && Column < 130 && Row > 28 && Row < 48;
				const auto At = [&](int Plane) { return Pixels.data() + Places[Plane].offset_bytes + size_t(Y) * Places[Plane].row_pitch_bytes + size_t(X) * PixelBytes[Plane]; };
				const float DepthM = bBox ? (Mistake == "depth" ? 700.0f : 7.0f) : Sky;
				std::memcpy(At(1), &DepthM, 4);
				Half(At(2) + (Mistake == "normal" ? 0 : 4), bBox ? 1.0f : 0.0f);
				Half(At(3), Mistake == "motion" ? -0.00714f : 0.00714f);
				const float Colors[3] = {Mistake == "albedo" ? 0.9f : 0.8f, 0.4f, 0.2f};
				for (int Part = 0; Part < 3; Part++)
				{
					Half(At(4) + 2 * Part, Colors[Part]);
				}
				const uint32_t Id = bBox && Mistake != "id" ? 5u : 0u;
				std::memcpy(At(6), &Id, 4);
				*At(7) = static_cast<unsigned char>(bBox && Mistake != "label" ? WP_LABEL_WOOD : WP_LABEL_UNKNOWN);
			}
		}
		std::printf("%s|", Mistake.c_str());
		for (const FFinding& Finding : FConventions(Pixels.data(), Places, Width, Height, 1.0, 16.0 / 9.0).Judge())
		{
			std::printf("%s", Finding.bHolds ? "" : (" " + Finding.Name + ": " + Finding.Text + ";").c_str());
		}
		std::printf("\n");
	}
}
}  // namespace Worldplate

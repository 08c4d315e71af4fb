#include "Conventions.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "Half.h"

namespace Worldplate
{
namespace
{
const char* const LabelName = "what the box is";
const char* const IdName = "the box has an id";

std::string NumbersOf(const double* Values, int Count)
{
	std::string Text;
	for (int At = 0; At < Count; At++)
	{
		char Number[32];
		std::snprintf(Number, sizeof(Number), "%s%.4g", At > 0 ? " " : "", Values[At]);
		Text += Number;
	}
	return Text;
}

FFinding Near(const char* Name, double Measured, double Expected, double Most)
{
	const bool bHolds = std::fabs(Measured - Expected) <= Most;
	return {Name, bHolds, "measured " + NumbersOf(&Measured, 1) + ", expected " + NumbersOf(&Expected, 1)};
}
}  // namespace

FConventions::FConventions(
	const void* Pixels, const std::vector<wp_plane_place>& Places, int WidthPx, int HeightPx, double FocalX, double FocalY)
	: First(static_cast<const unsigned char*>(Pixels)), Layout(Places), Width(WidthPx), Height(HeightPx), FocalRight(FocalX), FocalUp(FocalY)
{
}

std::vector<FFinding> FConventions::Judge() const
{
	const double U = 0.5 + 0.5 * FocalRight * RightM / DepthM;
	const double V = 0.5 - 0.5 * FocalUp * UpM / DepthM;
	const int X = static_cast<int>(U * Width), Y = static_cast<int>(V * Height);
	const double Motion = 0.5 * FocalRight * StepM / DepthM;
	const std::vector<double> Measured = Halves(WP_PLANE_NAME_MOTION, X, Y);
	uint32_t Id;
	std::memcpy(&Id, At(WP_PLANE_NAME_OBJECT, X, Y, 4), sizeof(Id));
	const double Corner = Depth(0, Height - 1);
	return {
		Place(X, Y),
		Near("depth is linear view Z in metres", Depth(X, Y), DepthM, 0.01 * DepthM),
		Vector("normals are world-space, y up, z backward", WP_PLANE_NAME_NORMAL, X, Y, {0.0, 0.0, 1.0}),
		Near("motion is previous - current, u right", Measured[0], Motion, 0.02 * Motion),
		Near("motion's v is 0 when the camera moves to its side", Measured[1], 0.0, 0.02 * Motion),
		Vector("base colour is linear", WP_PLANE_NAME_ALBEDO, X, Y, {Red, Green, Blue}),
		Near(LabelName, *At(WP_PLANE_NAME_LABEL, X, Y, 1), Is, 0.0),
		{IdName, Id != 0, "id " + std::to_string(Id)},
		{"where nothing is, depth is infinite", std::isinf(Corner) && Corner > 0.0, "depth " + NumbersOf(&Corner, 1)},
	};
}

bool FConventions::NeedsStencil(const FFinding& Finding)
{
	return Finding.Name == LabelName || Finding.Name == IdName;
}

// The box is up and right: where else it is found tells how the picture is turned.
FFinding FConventions::Place(int X, int Y) const
{
	const auto IsThere = [this](int Column, int Row) { return !std::isinf(Depth(Column, Row)); };
	const char* const Text = IsThere(X, Y) ? "the box is where it should be"
		: IsThere(X, Height - 1 - Y)       ? "rows are upside down"
		: IsThere(Width - 1 - X, Y)        ? "columns are mirrored"
										   : "the box is not seen";
	return {"the first row is the picture's highest, the first column its left", IsThere(X, Y), Text};
}

FFinding FConventions::Vector(const char* Name, wp_plane_name Plane, int X, int Y, const double (&Expected)[3]) const
{
	const std::vector<double> Measured = Halves(Plane, X, Y);
	bool bHolds = true;
	for (int Part = 0; Part < 3; Part++)
	{
		bHolds = bHolds && std::fabs(Measured[Part] - Expected[Part]) <= 0.02;
	}
	return {Name, bHolds, "measured " + NumbersOf(Measured.data(), 3) + ", expected " + NumbersOf(Expected, 3)};
}

double FConventions::Depth(int X, int Y) const
{
	float Value;
	std::memcpy(&Value, At(WP_PLANE_NAME_DEPTH, X, Y, 4), sizeof(Value));
	return Value;
}

std::vector<double> FConventions::Halves(wp_plane_name Plane, int X, int Y) const
{
	std::vector<double> Values(Plane == WP_PLANE_NAME_MOTION ? 2 : 4);
	const unsigned char* Pixel = At(Plane, X, Y, 2 * static_cast<int>(Values.size()));
	for (size_t Part = 0; Part < Values.size(); Part++)
	{
		uint16_t Bits;
		std::memcpy(&Bits, Pixel + 2 * Part, sizeof(Bits));
		Values[Part] = FromHalf(Bits);
	}
	return Values;
}

const unsigned char* FConventions::At(wp_plane_name Plane, int X, int Y, int PixelBytes) const
{
	size_t Index = 0;
	while (Layout[Index].name != Plane)
	{
		Index++;
	}
	const size_t Row = static_cast<size_t>(Y) * Layout[Index].row_pitch_bytes;
	return First + Layout[Index].offset_bytes + Row + static_cast<size_t>(X) * static_cast<size_t>(PixelBytes);
}
}  // namespace Worldplate

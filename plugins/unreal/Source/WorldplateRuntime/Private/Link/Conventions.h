// Judges the planes of a known scene: a box, its front face square to the camera, up and right of the picture's middle,
// before nothing; the camera has moved to its right by StepM since the frame before. The numbers are those of a pinhole.
#pragma once

#include <string>
#include <vector>

#include "worldplate.h"

namespace Worldplate
{
// What one convention was found to be.
struct FFinding
{
	std::string Name;
	bool bHolds;
	std::string Text;  // measured and expected value
};

class FConventions
{
public:
	// Of the face's middle in the camera's view, metres; the camera's step.
	static constexpr double RightM = 1.5, UpM = 1.2, DepthM = 7.0, StepM = 0.1;

	// Of the box: its linear base colour, and what it is.
	static constexpr float Red = 0.8f, Green = 0.4f, Blue = 0.2f;
	static constexpr wp_label Is = WP_LABEL_WOOD;

	// `Pixels`: planes of that size in the layout of `Places`; focal lengths as the projection has them, 1 is half a side.
	FConventions(const void* Pixels, const std::vector<wp_plane_place>& Places, int WidthPx, int HeightPx, double FocalX, double FocalY);

	std::vector<FFinding> Judge() const;

	// Without what cannot be told where custom depth has no stencil.
	static bool NeedsStencil(const FFinding& Finding);

private:
	FFinding Place(int X, int Y) const;
	FFinding Vector(const char* Name, wp_plane_name Plane, int X, int Y, const double (&Expected)[3]) const;
	double Depth(int X, int Y) const;
	std::vector<double> Halves(wp_plane_name Plane, int X, int Y) const;
	const unsigned char* At(wp_plane_name Plane, int X, int Y, int PixelBytes) const;

	const unsigned char* First;
	const std::vector<wp_plane_place>& Layout;
	int Width, Height;
	double FocalRight, FocalUp;
};
}  // namespace Worldplate

#include "CameraTrack.h"

#include <algorithm>
#include <cstring>

namespace Worldplate
{
namespace
{
void Rotate(const double* Quaternion, const double* Vector, bool bBack, double* To)
{
	const double Sign = bBack ? -1.0 : 1.0;
	const double X = Sign * Quaternion[0], Y = Sign * Quaternion[1], Z = Sign * Quaternion[2], W = Quaternion[3];
	const double TX = 2.0 * (Y * Vector[2] - Z * Vector[1]);
	const double TY = 2.0 * (Z * Vector[0] - X * Vector[2]);
	const double TZ = 2.0 * (X * Vector[1] - Y * Vector[0]);
	To[0] = Vector[0] + W * TX + Y * TZ - Z * TY;
	To[1] = Vector[1] + W * TY + Z * TX - X * TZ;
	To[2] = Vector[2] + W * TZ + X * TY - Y * TX;
}

// Row-major; the step between both positions is taken in float64, so it is exact far from the world's origin too.
void PreviousViewFromView(const wp_pose& Before, const wp_pose& Now, double* To)
{
	std::fill(To, To + 16, 0.0);
	double Step[3], Axis[3], World[3];
	for (int Row = 0; Row < 3; Row++)
	{
		Step[Row] = Now.position_m[Row] - Before.position_m[Row];
	}
	for (int Column = 0; Column < 4; Column++)
	{
		const double Unit[3] = {Column == 0 ? 1.0 : 0.0, Column == 1 ? 1.0 : 0.0, Column == 2 ? 1.0 : 0.0};
		Rotate(Now.orientation, Unit, false, World);
		Rotate(Before.orientation, Column == 3 ? Step : World, true, Axis);
		To[Column] = Axis[0];
		To[4 + Column] = Axis[1];
		To[8 + Column] = Axis[2];
	}
	To[15] = 1.0;
}
}  // namespace

bool FCameraTrack::Advance(const FView& View, bool bCut)
{
	const wp_pose Before = Now.world_from_camera;
	std::memcpy(PreviousProjection, Now.projection, sizeof(PreviousProjection));
	CameraFrom(View, Now);
	const bool bReset = bCut || !bStarted || HasJumped(Before, Now.world_from_camera);
	Now.previous_world_from_camera = bReset ? Now.world_from_camera : Before;
	bMotionKnown = !bReset;
	bStarted = true;
	return bReset;
}

void FCameraTrack::PreviousClip(float* FromView, float* FromFar) const
{
	double View[16];
	PreviousViewFromView(Now.previous_world_from_camera, Now.world_from_camera, View);
	const double* Projection = bMotionKnown ? PreviousProjection : Now.projection;
	for (int Row = 0; Row < 4; Row++)
	{
		for (int Column = 0; Column < 4; Column++)
		{
			double Sum = 0.0;
			for (int Inner = 0; Inner < 4; Inner++)
			{
				Sum += Projection[4 * Row + Inner] * View[4 * Inner + Column];
			}
			FromView[4 * Row + Column] = static_cast<float>(Sum);
			FromFar[4 * Row + Column] = Column < 3 ? static_cast<float>(Sum) : 0.0f;
		}
	}
}
}  // namespace Worldplate

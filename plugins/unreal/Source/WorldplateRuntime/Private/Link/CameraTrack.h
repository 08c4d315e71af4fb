// A camera from frame to frame: canonical for the link, and what a shader needs to tell the motion of what stands still.
#pragma once

#include "Spaces.h"

namespace Worldplate
{
class FCameraTrack
{
public:
	// To the view of now. Returns whether time breaks here: asked for, first, or a jump. Keep the lens beforehand.
	bool Advance(const FView& View, bool bCut);

	wp_camera& Camera() { return Now; }
	const wp_camera& Camera() const { return Now; }

	// Row-major, on column vectors: canonical view space of now to clip space of the frame before, without jitter; the
	// second for directions, which know no place. As wp_motion_of_camera of Worldplate.ush takes them.
	void PreviousClip(float* FromView, float* FromFar) const;

	// False in the frame of a break: there is no motion then.
	bool IsMotionKnown() const { return bMotionKnown; }

private:
	wp_camera Now = {};
	double PreviousProjection[16] = {};
	bool bMotionKnown = false, bStarted = false;
};
}  // namespace Worldplate

// Unreal's values to canonical ones. Unreal: left-handed, +X forward, +Y right, +Z up, centimetres, matrices on row vectors.
// Canonical: right-handed, +Y up, the camera looks down -Z, metres, matrices on column vectors. So (Y, Z, -X), in the world
// and in every local space alike; quaternions (-y, -z, x, w); axial vectors turn the other way round.
//
// No engine header is included in this folder: all of it is compiled and run without one.
#pragma once

#include "worldplate.h"

namespace Worldplate
{
inline constexpr double MetresPerCm = 0.01;

struct FAxis
{
	double X, Y, Z;
};

struct FTurn
{
	double X, Y, Z, W;
};

// A view as Unreal draws it.
struct FView
{
	FAxis OriginCm;
	FAxis Right, Up, Forward;  // unit, world space: the rows of the inverse view matrix
	double Projection[16];     // clip from view without jitter, row-major, on row vectors; view is x right, y up, z forward
	double JitterNdc[2];       // of the sample, y up: FViewMatrices::GetTemporalAAJitter
	int WidthPx, HeightPx;     // of the planes
};

void PositionFrom(const FAxis& Cm, double* ToM);
void VectorFrom(const FAxis& From, float Scale, float* To);
void AngularVelocityFrom(const FAxis& RadPerS, float* To);

// The orientation may be off 1 by single precision; it is divided out.
wp_pose PoseFrom(const FAxis& PositionCm, const FTurn& Orientation);

// Pose, projection, near, far and jitter; the lens and the previous pose are left as they are.
void CameraFrom(const FView& View, wp_camera& To);

// a and b of device depth = a + b / z, z in metres; b is what the near plane would be at infinite far.
struct FDepthTerms
{
	double A, B;
};
FDepthTerms DepthTermsFrom(const double* Projection);

// Whether the lens can be told: a perspective one, with a reversed depth.
bool IsPerspective(const double* Projection);

// Farther than 5 m, or turned by more than a quarter, in one frame.
bool HasJumped(const wp_pose& Before, const wp_pose& Now);
}  // namespace Worldplate

#include "Spaces.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace Worldplate
{
namespace
{
constexpr double JumpM = 5.0, QuarterTurnRad = 1.5707963267948966;

FAxis Turned(const FAxis& From)
{
	return {From.Y, From.Z, -From.X};
}

// Of a rotation whose columns are these; the largest part is found first, so that nothing small is divided by.
void OrientationFrom(const FAxis& C0, const FAxis& C1, const FAxis& C2, double* To)
{
	const double Trace[4] = {C0.X - C1.Y - C2.Z, C1.Y - C0.X - C2.Z, C2.Z - C0.X - C1.Y, C0.X + C1.Y + C2.Z};
	const int Largest = static_cast<int>(std::max_element(Trace, Trace + 4) - Trace);
	const double Twice[4][4] = {
		{1.0 + Trace[0], C0.Y + C1.X, C0.Z + C2.X, C1.Z - C2.Y},
		{C0.Y + C1.X, 1.0 + Trace[1], C1.Z + C2.Y, C2.X - C0.Z},
		{C0.Z + C2.X, C1.Z + C2.Y, 1.0 + Trace[2], C0.Y - C1.X},
		{C1.Z - C2.Y, C2.X - C0.Z, C0.Y - C1.X, 1.0 + Trace[3]},
	};
	double Length = 0.0;
	for (int Part = 0; Part < 4; Part++)
	{
		Length += Twice[Largest][Part] * Twice[Largest][Part];
	}
	for (int Part = 0; Part < 4; Part++)
	{
		To[Part] = Twice[Largest][Part] / std::sqrt(Length);
	}
}

void ProjectionFrom(const double* From, double NearM, double FarM, double* To)
{
	const bool bInfinite = std::isinf(FarM);
	std::fill(To, To + 16, 0.0);
	To[0] = From[0];
	To[1] = From[4];
	To[2] = -From[8];
	To[4] = From[1];
	To[5] = From[5];
	To[6] = -From[9];
	To[10] = bInfinite ? -1.0 : -(FarM + NearM) / (FarM - NearM);
	To[11] = bInfinite ? -2.0 * NearM : -2.0 * FarM * NearM / (FarM - NearM);
	To[14] = -1.0;
}
}  // namespace

void PositionFrom(const FAxis& Cm, double* ToM)
{
	const FAxis Canonical = Turned(Cm);
	ToM[0] = Canonical.X * MetresPerCm;
	ToM[1] = Canonical.Y * MetresPerCm;
	ToM[2] = Canonical.Z * MetresPerCm;
}

void VectorFrom(const FAxis& From, float Scale, float* To)
{
	const FAxis Canonical = Turned(From);
	To[0] = static_cast<float>(Canonical.X) * Scale;
	To[1] = static_cast<float>(Canonical.Y) * Scale;
	To[2] = static_cast<float>(Canonical.Z) * Scale;
}

void AngularVelocityFrom(const FAxis& RadPerS, float* To)
{
	VectorFrom(RadPerS, -1.0f, To);
}

wp_pose PoseFrom(const FAxis& PositionCm, const FTurn& Orientation)
{
	wp_pose Pose;
	PositionFrom(PositionCm, Pose.position_m);
	const double Length = std::sqrt(
		Orientation.X * Orientation.X + Orientation.Y * Orientation.Y + Orientation.Z * Orientation.Z + Orientation.W * Orientation.W);
	Pose.orientation[0] = -Orientation.Y / Length;
	Pose.orientation[1] = -Orientation.Z / Length;
	Pose.orientation[2] = Orientation.X / Length;
	Pose.orientation[3] = Orientation.W / Length;
	return Pose;
}

void CameraFrom(const FView& View, wp_camera& To)
{
	PositionFrom(View.OriginCm, To.world_from_camera.position_m);
	const FAxis Forward = Turned(View.Forward);
	OrientationFrom(
		Turned(View.Right), Turned(View.Up), {-Forward.X, -Forward.Y, -Forward.Z}, To.world_from_camera.orientation);
	const FDepthTerms Terms = DepthTermsFrom(View.Projection);
	To.near_m = Terms.B / (1.0 - Terms.A);
	To.far_m = Terms.A < 0.0 ? -Terms.B / Terms.A : std::numeric_limits<double>::infinity();
	ProjectionFrom(View.Projection, To.near_m, To.far_m, To.projection);
	To.jitter_px[0] = 0.5 * View.WidthPx * View.JitterNdc[0];
	To.jitter_px[1] = -0.5 * View.HeightPx * View.JitterNdc[1];
}

FDepthTerms DepthTermsFrom(const double* Projection)
{
	return {Projection[10], Projection[14] * MetresPerCm};
}

bool IsPerspective(const double* Projection)
{
	return Projection[15] == 0.0 && Projection[11] == 1.0 && Projection[14] > 0.0 && Projection[10] <= 0.0;
}

bool HasJumped(const wp_pose& Before, const wp_pose& Now)
{
	double Squared = 0.0, Dot = 0.0;
	for (int Axis = 0; Axis < 3; Axis++)
	{
		const double Step = Now.position_m[Axis] - Before.position_m[Axis];
		Squared += Step * Step;
	}
	for (int Part = 0; Part < 4; Part++)
	{
		Dot += Now.orientation[Part] * Before.orientation[Part];
	}
	return Squared > JumpM * JumpM || 2.0 * std::acos(std::min(1.0, std::fabs(Dot))) > QuarterTurnRad;
}
}  // namespace Worldplate

#include "BodyList.h"

#include <algorithm>
#include <cmath>

namespace Worldplate
{
namespace
{
constexpr float SamePointM = 0.001f;

bool IsSame(const wp_contact& A, const wp_contact& B)
{
	bool bSame = A.ids[0] == B.ids[0] && A.ids[1] == B.ids[1];
	for (int Axis = 0; Axis < 3; Axis++)
	{
		bSame = bSame && std::fabs(A.point_m[Axis] - B.point_m[Axis]) < SamePointM;
	}
	return bSame;
}
}  // namespace

void FBodyList::Begin()
{
	std::swap(Before, Now);
	Now.clear();
	Items.clear();
	Touching.clear();
}

void FBodyList::Add(
	uint32_t Id, uint8_t Label, const wp_pose& Pose, const FAxis& VelocityCmPerS, const FAxis& AngularRadPerS)
{
	if (Id == 0 || Items.size() >= WP_LIMIT_MAX_OBJECTS || !Now.emplace(Id, Pose).second)
	{
		return;
	}
	const auto Known = Before.find(Id);
	wp_body& Body = Items.emplace_back();
	Body.id = Id;
	Body.label = Label;
	Body.world_from_body = Pose;
	Body.previous_world_from_body = Known != Before.end() ? Known->second : Pose;
	VectorFrom(VelocityCmPerS, static_cast<float>(MetresPerCm), Body.velocity_m_s);
	AngularVelocityFrom(AngularRadPerS, Body.angular_velocity_rad_s);
}

void FBodyList::AddContact(uint32_t A, uint32_t B, const FAxis& PointCm, float ForceN)
{
	if (A == 0 || B == 0 || A == B || Touching.size() >= WP_LIMIT_MAX_OBJECTS || !std::isfinite(ForceN))
	{
		return;
	}
	wp_contact Contact = {{std::min(A, B), std::max(A, B)}, {}, std::max(0.0f, ForceN)};
	VectorFrom(PointCm, static_cast<float>(MetresPerCm), Contact.point_m);
	const bool bTold = std::any_of(Touching.begin(), Touching.end(), [&Contact](const wp_contact& Known) { return IsSame(Known, Contact); });
	if (!bTold)
	{
		Touching.push_back(Contact);
	}
}

void FBodyList::Forget()
{
	for (wp_body& Body : Items)
	{
		Body.previous_world_from_body = Body.world_from_body;
	}
}
}  // namespace Worldplate

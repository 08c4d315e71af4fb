#include "BodyList.h"

#include <algorithm>
#include <cmath>

namespace Worldplate
{
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
	if (A == 0 || B == 0 || Touching.size() >= WP_LIMIT_MAX_OBJECTS || !std::isfinite(ForceN))
	{
		return;
	}
	wp_contact& Contact = Touching.emplace_back();
	Contact.ids[0] = A;
	Contact.ids[1] = B;
	VectorFrom(PointCm, static_cast<float>(MetresPerCm), Contact.point_m);
	Contact.normal_force_n = std::max(0.0f, ForceN);
}

void FBodyList::Forget()
{
	for (wp_body& Body : Items)
	{
		Body.previous_world_from_body = Body.world_from_body;
	}
}
}  // namespace Worldplate

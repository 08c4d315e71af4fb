// The rigid bodies and contacts of a frame, in canonical space, with where each body was in the frame before. Keeps its
// memory from frame to frame.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "Spaces.h"

namespace Worldplate
{
class FBodyList
{
public:
	// The bodies of the next frame follow; contacts of before are gone.
	void Begin();

	// Velocities in centimetres and radians per second. A body that was not there in the frame before stands still. More
	// than the protocol's limit, and ids 0 or said twice, are left out.
	void Add(uint32_t Id, uint8_t Label, const wp_pose& Pose, const FAxis& VelocityCmPerS, const FAxis& AngularRadPerS);

	// Of two things with ids; the force is along the contact's normal. What is told by both of them counts once.
	void AddContact(uint32_t A, uint32_t B, const FAxis& PointCm, float ForceN);

	// Time broke: every body was where it is now.
	void Forget();

	const std::vector<wp_body>& Bodies() const { return Items; }
	const std::vector<wp_contact>& Contacts() const { return Touching; }

private:
	std::vector<wp_body> Items;
	std::vector<wp_contact> Touching;
	std::unordered_map<uint32_t, wp_pose> Before, Now;
};
}  // namespace Worldplate

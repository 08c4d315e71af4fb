#include "Carry.h"

#include <cstring>

namespace Worldplate
{
bool FCarry::Fill(wp_client Client, uint64_t Target, uint64_t Source)
{
	wp_reprojection_data Still;
	uint32_t Count = 0;
	if (wp_reprojection(Client, Target, Source, &Still) != WP_OK || !ReadMotions(Client, Target, Source, Count))
	{
		return false;
	}
	All.assign(HeadWords + static_cast<size_t>(Count) * BodyWords, 0);
	static_assert(sizeof(Still) == (HeadWords - 4) * sizeof(uint32_t), "the head is the struct");
	std::memcpy(All.data(), &Still, sizeof(Still));
	All[HeadWords - 4] = Count;
	for (uint32_t At = 0; At < Count; At++)
	{
		uint32_t* Body = All.data() + HeadWords + static_cast<size_t>(At) * BodyWords;
		Body[0] = Motions[At].id;
		Body[1] = Motions[At].known;
		std::memcpy(Body + 4, Motions[At].source_view_from_target_view, 16 * sizeof(float));
	}
	return true;
}

bool FCarry::ReadMotions(wp_client Client, uint64_t Target, uint64_t Source, uint32_t& Count)
{
	Count = static_cast<uint32_t>(Motions.size());
	wp_code Code = wp_body_motions(Client, Target, Source, Motions.data(), &Count);
	if (Code == WP_BAD_ARGUMENT && Count > Motions.size())
	{
		Motions.resize(2 * static_cast<size_t>(Count));
		Count = static_cast<uint32_t>(Motions.size());
		Code = wp_body_motions(Client, Target, Source, Motions.data(), &Count);
	}
	return Code == WP_OK;
}
}  // namespace Worldplate

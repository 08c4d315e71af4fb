// What the composite shader needs to carry a plate into another view, as 32-bit words: three matrices (source view from
// target view, source projection, target projection), the jitter of source and target in pixels, the number of bodies and
// three zeros; then for each body, by ascending id: id, whether it was there in the source, two zeros, and its own matrix.
// Matrices are row-major and act on column vectors.
#pragma once

#include <cstdint>
#include <vector>

#include "worldplate.h"

namespace Worldplate
{
class FCarry
{
public:
	static constexpr uint32_t HeadWords = 56, BodyWords = 20;

	// False when one of both frames is forgotten: the words are then what they were.
	bool Fill(wp_client Client, uint64_t Target, uint64_t Source);

	const std::vector<uint32_t>& Words() const { return All; }

private:
	bool ReadMotions(wp_client Client, uint64_t Target, uint64_t Source, uint32_t& Count);

	std::vector<uint32_t> All = std::vector<uint32_t>(HeadWords);
	std::vector<wp_body_motion> Motions = std::vector<wp_body_motion>(64);
};
}  // namespace Worldplate

// A frame's own work on the GPU, a pixel a thread: what the pipeline does around a model (renderer/pipeline.py).
//
// One source for the GPU (clang writes kernels.ptx from it) and for the CPU, where tests run it. Each kernel takes one
// struct, by value: renderer/cuda/kernels.py has the same in Python. Pitches are in bytes. Nothing here allocates, waits
// or synchronises.
#include "launch.hpp"

struct Copy {
	const uint8_t *color;
	uint8_t *plate;
	uint width, height, color_pitch, plate_pitch;
	uint color_is_float, reserved;
};

// The plate is the engine's colour: bit for bit from half floats, rounded from floats.
WP_KERNEL(worldplate_copy, Copy) {
	const Thread at = this_thread();
	if (at.x >= given.width || at.y >= given.height) {
		return;
	}
	uint8_t *plate = given.plate + static_cast<uint64_t>(at.y) * given.plate_pitch + at.x * 8ull;
	const uint8_t *row = given.color + static_cast<uint64_t>(at.y) * given.color_pitch;
	uint64_t pixel = 0;
	if (given.color_is_float != 0u) {
		const float *color = reinterpret_cast<const float *>(row + at.x * 16ull);
		for (int channel = 3; channel >= 0; channel--) {
			pixel = (pixel << 16) | half_of(color[channel]);
		}
	} else {
		pixel = *reinterpret_cast<const uint64_t *>(row + at.x * 8ull);
	}
	*reinterpret_cast<uint64_t *>(plate) = pixel;
}

struct Blend {
	const uint8_t *depth, *object, *label;  // null: the engine sends none, which claims nothing
	uint8_t *plate;
	uint width, height, depth_pitch, object_pitch, label_pitch, plate_pitch;
	float near_m, far_m;
	uint4 labels_low, labels_high;
	uint id_count;
	uint ids[256];  // ascending
	uint reserved;
};

WP_MEMBERS_BEGIN
// The shader text, with the ids that it asks for.
struct Ownership {
	const Blend &given;
#define WP_ID_AT(i) given.ids[i]
#include "worldplate.inc"
};
WP_MEMBERS_END

// Colour and alpha are 0 where the engine owns the pixel.
WP_KERNEL(worldplate_blend, Blend) {
	const Thread at = this_thread();
	if (at.x >= given.width || at.y >= given.height) {
		return;
	}
	const uint64_t y = at.y;
	float depth_m = 1.0f;
	uint object = 0u;
	uint label = 256u;
	if (given.depth != nullptr) {
		depth_m = reinterpret_cast<const float *>(given.depth + y * given.depth_pitch)[at.x];
	}
	if (given.object != nullptr) {
		object = reinterpret_cast<const uint *>(given.object + y * given.object_pitch)[at.x];
	}
	if (given.label != nullptr) {
		label = given.label[y * given.label_pitch + at.x];
	}
	Ownership text{given};
	if (text.wp_engine_owns(
			depth_m, given.near_m, given.far_m, label, given.labels_low, given.labels_high, object, given.id_count)) {
		*reinterpret_cast<uint64_t *>(given.plate + y * given.plate_pitch + at.x * 8ull) = 0u;
	}
}

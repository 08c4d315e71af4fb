// A frame's own work on the GPU, a pixel a thread: what the pipeline does around a model (renderer/pipeline.py).
//
// One source for the GPU (clang writes kernels.ptx from it) and for the CPU, where tests run it. Each kernel takes one
// struct, by value: renderer/cuda/kernels.py has the same in Python. Pitches are in bytes. Nothing here allocates, waits
// or synchronises.
#include "launch.hpp"
#include "reproject.hpp"
#include "texels.hpp"

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
#undef WP_ID_AT
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

struct Keep {
	const uint8_t *from;
	uint8_t *to;
	uint words, width;  // of 16 bytes, and how many a row of threads copies
};

// A slot's planes in memory of the renderer's own, so that the engine may have its slot back.
WP_KERNEL(worldplate_keep, Keep) {
	const Thread at = this_thread();
	const uint word = at.y * given.width + at.x;
	if (at.x >= given.width || word >= given.words) {
		return;
	}
	const uint64_t *from = reinterpret_cast<const uint64_t *>(given.from + word * 16ull);
	uint64_t *to = reinterpret_cast<uint64_t *>(given.to + word * 16ull);
	to[0] = from[0];
	to[1] = from[1];
}

struct Ingest {
	const uint8_t *planes[8];
	uint pitches[8], formats[8], channels[8];  // formats as renderer/cuda/ingest.py numbers them; channels to be taken
	uint8_t *to;
	uint width, height, count, to_pitch;
};

WP_MEMBERS_BEGIN
// A channel of a plane's pixel, as a network takes it: finite, in the range of half floats.
inline float fed(const uint8_t *plane, uint pitch, uint format, int x, int y, uint channel) {
	const bool four = format < 2u;
	const bool two = format == 2u || format == 3u;
	const uint of_pixel = four ? 4u : (two ? 2u : 1u);
	const int at = x * static_cast<int>(of_pixel) + static_cast<int>(channel);
	float value = 0.0f;
	if (format == 0u || format == 2u || format == 4u) {
		value = half_at(plane, pitch, at, y);
	} else if (format == 6u) {
		value = static_cast<float>(uint_at(plane, pitch, x, y));
	} else if (format == 7u) {
		value = static_cast<float>(*texel(plane, pitch, 1u, x, y));
	} else {
		value = float_at(plane, pitch, at, y);
	}
	const bool is_nan = (asuint(value) & 0x7fffffffu) > 0x7f800000u;
	return is_nan ? 0.0f : clamp(value, -65504.0f, 65504.0f);
}
WP_MEMBERS_END

// Planes side by side, float32, channels last: a network's input.
WP_KERNEL(worldplate_ingest, Ingest) {
	const Thread at = this_thread();
	if (at.x >= given.width || at.y >= given.height) {
		return;
	}
	uint total = 0u;
	for (uint plane = 0u; plane < given.count; plane++) {
		total += given.channels[plane];
	}
	float *to = reinterpret_cast<float *>(given.to + static_cast<uint64_t>(at.y) * given.to_pitch) + at.x * total;
	for (uint plane = 0u; plane < given.count; plane++) {
		for (uint channel = 0u; channel < given.channels[plane]; channel++) {
			*to++ = fed(given.planes[plane], given.pitches[plane], given.formats[plane], static_cast<int>(at.x),
						static_cast<int>(at.y), channel);
		}
	}
}

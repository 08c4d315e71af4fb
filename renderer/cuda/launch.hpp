// How a kernel is written once for the GPU and for the CPU, where tests run it: one thread a pixel, one struct by value.
#pragma once

#include "hlsl.hpp"

#define WP_INLINE __attribute__((always_inline)) inline  // a call would copy a kernel's arguments, thread by thread

#if defined(__CUDA__)

struct Thread {
	uint x, y;
};

__attribute__((device)) inline Thread this_thread() {
	const int x = __nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x();
	const int y = __nvvm_read_ptx_sreg_ctaid_y() * __nvvm_read_ptx_sreg_ntid_y() + __nvvm_read_ptx_sreg_tid_y();
	return {static_cast<uint>(x), static_cast<uint>(y)};
}

#define WP_KERNEL(name, Arguments) extern "C" __attribute__((global)) void name(Arguments given)
#define WP_ROLLED _Pragma("clang loop unroll(disable)")  // what unrolls grows beyond what a GPU holds at hand
#define WP_MEMBERS_BEGIN _Pragma("clang force_cuda_host_device begin")
#define WP_MEMBERS_END _Pragma("clang force_cuda_host_device end")

#else

struct Thread {
	uint x, y;
};

static thread_local Thread current;

inline Thread this_thread() {
	return current;
}

// The launch: every thread of every block, one after another.
#define WP_KERNEL(name, Arguments) \
	static void name##_thread(const Arguments &given); \
	extern "C" void name(const Arguments *given, uint grid_x, uint grid_y, uint block_x, uint block_y) { \
		for (current.y = 0; current.y < grid_y * block_y; current.y++) { \
			for (current.x = 0; current.x < grid_x * block_x; current.x++) { \
				name##_thread(*given); \
			} \
		} \
	} \
	static void name##_thread(const Arguments &given)
#define WP_ROLLED
#define WP_MEMBERS_BEGIN
#define WP_MEMBERS_END

#endif

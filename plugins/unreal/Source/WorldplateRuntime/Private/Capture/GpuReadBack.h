#pragma once

#include "CoreMinimal.h"
#include "Link/ReadBackRing.h"
#include "RHIGPUReadback.h"

namespace Worldplate
{
// A pack's way from the GPU. Render thread.
class FGpuReadBack final : public IReadBack
{
public:
	FGpuReadBack() : ReadBack(TEXT("Worldplate")) {}

	virtual bool IsReady() override { return ReadBack.IsReady(); }
	virtual const void* Lock(uint64_t Bytes) override { return ReadBack.Lock(static_cast<uint32>(Bytes)); }
	virtual void Unlock() override { ReadBack.Unlock(); }

	FRHIGPUBufferReadback ReadBack;
};
}  // namespace Worldplate

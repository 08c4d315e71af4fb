#pragma once

#include "SceneViewExtension.h"
#include "StreamProxy.h"

class FSceneInterface;

namespace Worldplate
{
// Where the renderer lets us in: after lighting, before its post-processing. The engine keeps it until the frame that it is
// in has been drawn.
class FStreamViewExtension final : public FSceneViewExtensionBase
{
public:
	FStreamViewExtension(const FAutoRegister& Register, TSharedPtr<FStreamProxy> InProxy, const FSceneInterface* InScene)
		: FSceneViewExtensionBase(Register), Proxy(MoveTemp(InProxy)), Scene(InScene)
	{
	}

	virtual void PrePostProcessPass_RenderThread(FRDGBuilder& GraphBuilder, const FSceneView& View, const FPostProcessingInputs& Inputs) override
	{
		if (Proxy.IsValid() && Proxy->IsMine(View, Scene))
		{
			Proxy->Render(GraphBuilder, View, Inputs);
		}
	}

	// The last use of the proxy: it ends on the render thread.
	void Release_RenderThread() { Proxy.Reset(); }

private:
	TSharedPtr<FStreamProxy> Proxy;
	const FSceneInterface* Scene;  // compared, never read
};
}  // namespace Worldplate

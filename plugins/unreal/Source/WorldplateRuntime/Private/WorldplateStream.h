// A stream that runs: the game thread's end of it. Owns link, things, and the view extension, from the component's start to
// its stop.
#pragma once

#include "Capture/Things.h"
#include "CoreMinimal.h"
#include "Link/Link.h"
#include "StreamViewExtension.h"

class UWorldplateStreamComponent;

class FWorldplateStream
{
public:
	// Null with `Why`, for its user, when it cannot run.
	static TSharedPtr<FWorldplateStream> Open(UWorldplateStreamComponent& Owner, FString& Why);
	~FWorldplateStream();

	// Once a tick, when everything has moved: hands the game's state to the render thread.
	void Tick(double NowS);

	void Cut() { bCut = true; }

	// On the render thread, for the planes of the next frames; unset by an empty one.
	void Watch(Worldplate::FStreamProxy::FWatchPlanes NewWatch);

	Worldplate::FLink& Link() const { return *OwnLink; }
	Worldplate::FThings& Things() { return OwnThings; }

private:
	FWorldplateStream(UWorldplateStreamComponent& InOwner, std::shared_ptr<Worldplate::FLink> InLink, FIntPoint FirstSize);

	UWorldplateStreamComponent& Owner;
	std::shared_ptr<Worldplate::FLink> OwnLink;
	Worldplate::FThings OwnThings;
	TSharedPtr<Worldplate::FStreamProxy> Proxy;
	TSharedPtr<Worldplate::FStreamViewExtension, ESPMode::ThreadSafe> Extension;
	bool bCut = true;
};

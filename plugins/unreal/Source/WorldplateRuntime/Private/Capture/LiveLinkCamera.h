// A tracked camera of Live Link as the stream's: it moves the actor's camera, sets its lens and gives the timecode.
#pragma once

#include "CoreMinimal.h"
#include "LiveLinkTypes.h"
#include "StreamProxy.h"

class AActor;

namespace Worldplate
{
// Moves the camera of `Actor` to where the subject is now, and writes its timecode into `Input`. False while Live Link has no
// frame of it: the camera then stays where it is.
bool FollowLiveLink(const FLiveLinkSubjectName& Subject, AActor* Actor, FStreamInput& Input);

// The lens of the actor's camera when that is a real one.
void ReadLens(const AActor* Actor, FStreamInput& Input);
}  // namespace Worldplate

#pragma once

#include "CoreMinimal.h"
#include "UObject/WeakObjectPtr.h"

class ACameraActor;
class AActor;
class UWorld;
class UWorldplateStreamComponent;

/**
 * Draws a known scene with this project's settings on this graphics card while the game is played, and judges its planes: a box
 * before nothing, far below whatever the level has, seen by a camera of its own that moves once. Owns what it puts into the
 * world. Game thread.
 */
class WORLDPLATERUNTIME_API FWorldplateSelfTest
{
public:
	explicit FWorldplateSelfTest(UWorld* World);
	~FWorldplateSelfTest();

	/** Ten times a second: waits until planes come, moves the camera once, and judges what was read after that. */
	void Tick();

	bool IsRunning() const { return bRunning; }
	bool IsGood() const { return bGood; }

	/** A line for each convention, or why it cannot run. */
	const FString& GetText() const { return Text; }

private:
	struct FVerdict;

	void PutBox(UWorld* World);
	void PutEye(UWorld* World);
	void Watch();
	void Say();
	void End();

	TWeakObjectPtr<AActor> Box, ViewBefore;
	TWeakObjectPtr<ACameraActor> Eye;
	TWeakObjectPtr<UWorldplateStreamComponent> Stream;
	TSharedRef<FVerdict> Verdict;
	FString Text;
	int32 Looks = 0;
	bool bRunning = false, bGood = false, bWatching = false;
};

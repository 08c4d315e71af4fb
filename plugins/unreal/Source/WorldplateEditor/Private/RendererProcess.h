#pragma once

#include "CoreMinimal.h"
#include "HAL/PlatformProcess.h"

namespace Worldplate
{
// `worldplate serve`, started from the editor and ended with it.
class FRendererProcess
{
public:
	~FRendererProcess();

	bool IsRunning();

	// What is wrong, or nothing.
	FString Start();
	void Stop();

	// Chosen in EditorPerProjectUserSettings.ini, [Worldplate] RendererCommand, else looked for by the system.
	static FString Command();

private:
	FProcHandle Process;
};
}  // namespace Worldplate

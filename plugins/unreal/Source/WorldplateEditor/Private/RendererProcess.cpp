#include "RendererProcess.h"

#include "Misc/ConfigCacheIni.h"

namespace Worldplate
{
FRendererProcess::~FRendererProcess()
{
	Stop();
}

bool FRendererProcess::IsRunning()
{
	return Process.IsValid() && FPlatformProcess::IsProcRunning(Process);
}

FString FRendererProcess::Start()
{
	constexpr bool bDetached = false, bHidden = true, bReallyHidden = true;
	const FString Program = Command();
	Process = FPlatformProcess::CreateProc(*Program, TEXT("serve"), bDetached, bHidden, bReallyHidden, nullptr, 0, nullptr, nullptr);
	return Process.IsValid()
		? FString()
		: FString::Printf(TEXT("`%s` cannot be started: run `worldplate serve` in a terminal where it is installed, or write its path into "
							   "EditorPerProjectUserSettings.ini as [Worldplate] RendererCommand=..."), *Program);
}

// Not asked politely: the link sees that it is gone, and its files are cleaned up by the next one.
void FRendererProcess::Stop()
{
	constexpr bool bWithChildren = true;
	if (IsRunning())
	{
		FPlatformProcess::TerminateProc(Process, bWithChildren);
		FPlatformProcess::WaitForProc(Process);
	}
	FPlatformProcess::CloseProc(Process);
	Process.Reset();
}

FString FRendererProcess::Command()
{
	FString Chosen;
	GConfig->GetString(TEXT("Worldplate"), TEXT("RendererCommand"), Chosen, GEditorPerProjectIni);
	return Chosen.IsEmpty() ? FString(TEXT("worldplate")) : Chosen;
}
}  // namespace Worldplate

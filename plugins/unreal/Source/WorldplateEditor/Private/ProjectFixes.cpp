#include "ProjectFixes.h"

#include "Misc/ConfigCacheIni.h"
#include "Misc/Paths.h"
#include "WorldplateProject.h"

namespace Worldplate
{
FString FProjectFix::Do() const
{
	const FString File = FPaths::Combine(FPaths::ProjectConfigDir(), TEXT("DefaultEngine.ini"));
	GConfig->SetString(TEXT("/Script/Engine.RendererSettings"), *Setting, *Value, File);
	GConfig->Flush(false, File);
	return FString::Printf(TEXT("%s=%s is in DefaultEngine.ini: restart the editor."), *Setting, *Value);
}

TArray<FProjectFix> ProjectFixes()
{
	TArray<FProjectFix> Fixes;
	for (const FWorldplateTrouble& Trouble : FWorldplateProject::Troubles())
	{
		Fixes.Add({Trouble.Text, Trouble.Setting, Trouble.Value});
	}
	return Fixes;
}
}  // namespace Worldplate

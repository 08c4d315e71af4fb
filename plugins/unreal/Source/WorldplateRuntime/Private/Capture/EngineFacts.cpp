#include "Capture/EngineFacts.h"

#include "HAL/IConsoleManager.h"
#include "RHIGlobals.h"
#include "Values.h"
#include "WorldplateProject.h"

namespace Worldplate
{
namespace
{
int NumberOf(const TCHAR* Name)
{
	const IConsoleVariable* Variable = IConsoleManager::Get().FindConsoleVariable(Name);
	return Variable != nullptr ? Variable->GetInt() : -1;
}
}  // namespace

FEngineFacts ReadEngineFacts()
{
	FEngineFacts Facts;
	Facts.Substrate = NumberOf(TEXT("r.Substrate"));
	Facts.SubstrateGBufferFormat = NumberOf(TEXT("r.Substrate.ProjectGBufferFormat"));
	Facts.ForwardShading = NumberOf(TEXT("r.ForwardShading"));
	Facts.CustomDepth = NumberOf(TEXT("r.CustomDepth"));
	Facts.ShaderModel = GMaxRHIFeatureLevel >= ERHIFeatureLevel::SM5 ? 5 : 4;
	return Facts;
}
}  // namespace Worldplate

TArray<FWorldplateTrouble> FWorldplateProject::Troubles()
{
	TArray<FWorldplateTrouble> Found;
	for (const Worldplate::FTrouble& Trouble : Worldplate::TroublesOf(Worldplate::ReadEngineFacts()))
	{
		Found.Add({Worldplate::TextOf(Trouble.Text), Worldplate::TextOf(Trouble.Fix.Name), Worldplate::TextOf(Trouble.Fix.Value)});
	}
	return Found;
}

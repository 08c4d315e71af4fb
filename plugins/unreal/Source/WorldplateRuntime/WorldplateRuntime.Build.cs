using System.IO;
using UnrealBuildTool;

public class WorldplateRuntime : ModuleRules
{
	public WorldplateRuntime(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		bUseUnity = false;  // each file has its own anonymous namespace
		CppStandard = CppStandardVersion.Cpp20;
		PrivateIncludePaths.Add(Path.Combine(ModuleDirectory, "Private"));
		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine", "LiveLinkInterface" });
		PrivateDependencyModuleNames.AddRange(new string[]
		{
			"CinematicCamera", "Projects", "RenderCore", "Renderer", "RHI", "WorldplateClient"
		});
	}
}

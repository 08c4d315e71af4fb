using UnrealBuildTool;

public class WorldplateEditor : ModuleRules
{
	public WorldplateEditor(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		bUseUnity = false;  // each file has its own anonymous namespace
		CppStandard = CppStandardVersion.Cpp20;
		PrivateDependencyModuleNames.AddRange(new string[]
		{
			"Core", "CoreUObject", "Engine", "InputCore", "PropertyEditor", "Slate", "SlateCore", "UnrealEd", "WorldplateRuntime"
		});
	}
}

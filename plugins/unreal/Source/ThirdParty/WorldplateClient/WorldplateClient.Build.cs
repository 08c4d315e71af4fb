using System.IO;
using UnrealBuildTool;

// The native client: a C header, and a shared library that WorldplateRuntime loads from Binaries/ThirdParty by its path, with
// the libraries that it needs itself beside it.
public class WorldplateClient : ModuleRules
{
	public WorldplateClient(ReadOnlyTargetRules Target) : base(Target)
	{
		Type = ModuleType.External;
		PublicSystemIncludePaths.Add(Path.Combine(ModuleDirectory, "include"));

		bool bWindows = Target.Platform == UnrealTargetPlatform.Win64;
		string Library = bWindows ? "worldplate.dll" : "libworldplate.so";
		string Folder = Path.Combine(PluginDirectory, "Binaries", "ThirdParty", "WorldplateClient", bWindows ? "Win64" : "Linux");
		if (!File.Exists(Path.Combine(Folder, Library)))
		{
			throw new BuildException(
				"Worldplate: {0} is missing from {1}. Run `worldplate plugin install unreal` on the project again.", Library, Folder);
		}
		if (bWindows)
		{
			PublicDefinitions.Add("WORLDPLATE_SHARED=1");
			PublicAdditionalLibraries.Add(Path.Combine(Folder, "worldplate.lib"));
			PublicDelayLoadDLLs.Add(Library);
		}
		else
		{
			PublicAdditionalLibraries.Add(Path.Combine(Folder, Library));
			PublicDelayLoadDLLs.Add(Path.Combine(Folder, Library));
		}
		foreach (string Name in Directory.GetFiles(Folder))
		{
			if (!Name.EndsWith(".lib"))
			{
				RuntimeDependencies.Add(Name);
			}
		}
	}
}

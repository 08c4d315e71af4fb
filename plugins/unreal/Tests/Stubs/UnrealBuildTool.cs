// What the plugin's module rules use of UnrealBuildTool, as its public documentation shows it. Own declarations; nothing runs.
using System;
using System.Collections.Generic;

namespace UnrealBuildTool
{
    public enum CppStandardVersion { Cpp17, Cpp20 }

    public sealed class UnrealTargetPlatform
    {
        public static readonly UnrealTargetPlatform Win64 = new UnrealTargetPlatform();
        public static readonly UnrealTargetPlatform Linux = new UnrealTargetPlatform();
    }

    public sealed class ReadOnlyTargetRules
    {
        public UnrealTargetPlatform Platform => throw new NotSupportedException();
    }

    public sealed class BuildException : Exception
    {
        public BuildException(string format, params object[] arguments) : base(string.Format(format, arguments)) { }
    }

    public sealed class RuntimeDependencyList
    {
        public void Add(string path) { }
    }

    public class ModuleRules
    {
        public enum ModuleType { CPlusPlus, External }
        public enum PCHUsageMode { NoPCHs, UseExplicitOrSharedPCHs }

        public ModuleRules(ReadOnlyTargetRules target) { }

        public ModuleType Type;
        public PCHUsageMode PCHUsage;
        public CppStandardVersion CppStandard;
        public bool bUseUnity;
        public string ModuleDirectory => "";
        public string PluginDirectory => "";
        public readonly List<string> PublicDependencyModuleNames = new List<string>();
        public readonly List<string> PrivateDependencyModuleNames = new List<string>();
        public readonly List<string> PrivateIncludePaths = new List<string>();
        public readonly List<string> PublicSystemIncludePaths = new List<string>();
        public readonly List<string> PublicAdditionalLibraries = new List<string>();
        public readonly List<string> PublicDelayLoadDLLs = new List<string>();
        public readonly List<string> PublicDefinitions = new List<string>();
        public readonly RuntimeDependencyList RuntimeDependencies = new RuntimeDependencyList();
    }
}

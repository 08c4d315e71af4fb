#include "WorldplateRuntimeModule.h"

#include "Interfaces/IPluginManager.h"
#include "Misc/Paths.h"
#include "Modules/ModuleManager.h"
#include "ShaderCore.h"

DEFINE_LOG_CATEGORY(LogWorldplate);

// Loaded at PostConfigInit: shaders are compiled before anything else of the project is there.
class FWorldplateRuntimeModule final : public IModuleInterface
{
public:
	virtual void StartupModule() override
	{
		const FString Home = IPluginManager::Get().FindPlugin(TEXT("Worldplate"))->GetBaseDir();
		AddShaderSourceDirectoryMapping(TEXT("/Plugin/Worldplate"), FPaths::Combine(Home, TEXT("Shaders")));
#if PLATFORM_WINDOWS
		const FString Library = TEXT("Binaries/ThirdParty/WorldplateClient/Win64/worldplate.dll");
#else
		const FString Library = TEXT("Binaries/ThirdParty/WorldplateClient/Linux/libworldplate.so");
#endif
		// By its path: what it needs itself lies beside it.
		const FString Path = FPaths::Combine(Home, Library);
		FPlatformProcess::PushDllDirectory(*FPaths::GetPath(Path));
		Client = FPlatformProcess::GetDllHandle(*Path);
		FPlatformProcess::PopDllDirectory(*FPaths::GetPath(Path));
		UE_CLOG(Client == nullptr, LogWorldplate, Error, TEXT("%s cannot be loaded. Run `worldplate plugin install unreal` on the project again."), *Path);
	}

	virtual void ShutdownModule() override
	{
		if (Client != nullptr)
		{
			FPlatformProcess::FreeDllHandle(Client);
		}
	}

	bool HasClient() const { return Client != nullptr; }

private:
	void* Client = nullptr;
};

bool Worldplate::HasClientLibrary()
{
	const FWorldplateRuntimeModule* Module = FModuleManager::GetModulePtr<FWorldplateRuntimeModule>(TEXT("WorldplateRuntime"));
	return Module != nullptr && Module->HasClient();
}

IMPLEMENT_MODULE(FWorldplateRuntimeModule, WorldplateRuntime)

// See Core.h: log, processes, files, settings, modules, automation.
#pragma once

#include "Core.h"

struct FLogCategory
{
};
template <typename... A> void StubLog(const FLogCategory&, const TCHAR*, const A&...);
enum StubVerbosity { Log, Warning, Error, All };
#define DECLARE_LOG_CATEGORY_EXTERN(Name, Default, Compiled) extern FLogCategory Name
#define DEFINE_LOG_CATEGORY(Name) FLogCategory Name
#define UE_LOG(Category, Verbosity, Format, ...) StubLog(Category, Format __VA_OPT__(, ) __VA_ARGS__)
#define UE_CLOG(Condition, Category, Verbosity, Format, ...) \
	if (Condition) \
	StubLog(Category, Format __VA_OPT__(, ) __VA_ARGS__)

struct FProcHandle
{
	bool IsValid() const;
	void Reset();
};
struct FPlatformProcess
{
	static void* GetDllHandle(const TCHAR*);
	static void FreeDllHandle(void*);
	static void PushDllDirectory(const TCHAR*);
	static void PopDllDirectory(const TCHAR*);
	static FProcHandle CreateProc(
		const TCHAR* Url, const TCHAR* Arguments, bool bDetached, bool bHidden, bool bReallyHidden, uint32* OutPid, int32 Priority,
		const TCHAR* WorkingDirectory, void* PipeWriteChild, void* PipeReadChild = nullptr);
	static bool IsProcRunning(FProcHandle&);
	static void TerminateProc(FProcHandle&, bool bKillTree = false);
	static void WaitForProc(FProcHandle&);
	static void CloseProc(FProcHandle&);
};
struct FPlatformTime
{
	static double Seconds();
};
struct FPaths
{
	template <typename... A> static FString Combine(A&&...);
	static FString GetPath(const FString&);
	static FString ProjectConfigDir();
};
struct IFileManager
{
	static IFileManager& Get();
	bool FileExists(const TCHAR*);
};
struct FConfigCacheIni
{
	bool GetString(const TCHAR* Section, const TCHAR* Key, FString& Value, const FString& File);
	void SetString(const TCHAR* Section, const TCHAR* Key, const TCHAR* Value, const FString& File);
	void Flush(bool bRemove, const FString& File);
};
extern FConfigCacheIni* GConfig;
extern FString GEditorPerProjectIni;

struct IConsoleVariable
{
	int32 GetInt() const;
};
struct IConsoleManager
{
	static IConsoleManager& Get();
	IConsoleVariable* FindConsoleVariable(const TCHAR*) const;
};

class IModuleInterface
{
public:
	virtual ~IModuleInterface() = default;
	virtual void StartupModule() {}
	virtual void ShutdownModule() {}
};
struct FModuleManager
{
	template <typename T> static T* GetModulePtr(FName);
	template <typename T> static T& LoadModuleChecked(FName);
};
#define IMPLEMENT_MODULE(Class, Name) [[maybe_unused]] static Class StubModule##Name;

struct IPlugin
{
	const FString& GetBaseDir() const;
};
struct IPluginManager
{
	static IPluginManager& Get();
	TSharedPtr<IPlugin> FindPlugin(const TCHAR*);
};
struct IModularFeatures
{
	static IModularFeatures& Get();
	bool IsModularFeatureAvailable(FName) const;
	template <typename T> T& GetModularFeature(FName) const;
};

enum class EVersionComponent
{
	Major,
	Minor,
	Patch,
};
struct FEngineVersion
{
	static const FEngineVersion& Current();
	FString ToString(EVersionComponent) const;
};

enum class EAutomationTestFlags : uint32
{
	ProductFilter = 1,
	EditorContext = 2,
};
EAutomationTestFlags operator|(EAutomationTestFlags, EAutomationTestFlags);
class FAutomationSpecBase
{
public:
	void Describe(const FString&, std::function<void()>);
	void It(const FString&, std::function<void()>);
	bool TestTrue(const TCHAR*, bool);
	bool TestTrue(const char*, bool);
	bool TestEqual(const char*, double, double, double Tolerance);
	template <typename T> bool TestNotNull(const TCHAR*, const T*);
};
#define BEGIN_DEFINE_SPEC(Class, Name, Flags) \
	class Class : public FAutomationSpecBase \
	{ \
		static constexpr const char* StubName = Name; \
		void Define();
#define END_DEFINE_SPEC(Class) \
	} \
	;

// See Core.h.
#pragma once

#include "Core.h"
#include "Game.h"

#define BEGIN_SHADER_PARAMETER_STRUCT(Name, Api) \
	struct Name \
	{
#define END_SHADER_PARAMETER_STRUCT() \
	} \
	;
#define SHADER_PARAMETER(Type, Name) Type Name = {};
#define SHADER_PARAMETER_STRUCT_REF(Type, Name) TUniformBufferRef<Type> Name;
#define SHADER_PARAMETER_STRUCT_INCLUDE(Type, Name) Type Name;
#define SHADER_PARAMETER_RDG_TEXTURE(Shader, Name) FRDGTextureRef Name = nullptr;
#define SHADER_PARAMETER_RDG_TEXTURE_SRV(Shader, Name) FRDGTextureSRVRef Name = nullptr;
#define SHADER_PARAMETER_RDG_BUFFER_SRV(Shader, Name) FRDGBufferSRVRef Name = nullptr;
#define SHADER_PARAMETER_RDG_BUFFER_UAV(Shader, Name) FRDGBufferUAVRef Name = nullptr;
#define RDG_BUFFER_ACCESS(Name, Access) FRDGBufferRef Name = (static_cast<void>(Access), nullptr);
#define RENDER_TARGET_BINDING_SLOTS() FRenderTargetBinding RenderTargets[8];
#define DECLARE_GLOBAL_SHADER(Class)
#define SHADER_USE_PARAMETER_STRUCT(Class, Base)
#define IMPLEMENT_GLOBAL_SHADER(Class, File, Entry, Stage) static_assert(sizeof(File) + sizeof(Entry) + Stage > 0, "")
#define RDG_EVENT_NAME(Text) FRDGEventName(TEXT(Text))
#define ENQUEUE_RENDER_COMMAND(Name) StubEnqueue

class FRHICommandList
{
};
class FRHIBuffer
{
};
enum EResourceLockMode { RLM_ReadOnly, RLM_WriteOnly };
class FRHICommandListImmediate : public FRHICommandList
{
public:
	void SubmitAndBlockUntilGPUIdle();
	void* LockBuffer(FRHIBuffer*, uint32 Offset, uint32 Size, EResourceLockMode);
	void UnlockBuffer(FRHIBuffer*);
};
template <typename L>
void StubEnqueue(L&& Lambda)
{
	static_assert(std::is_invocable_v<L, FRHICommandListImmediate&>, "a command takes the list");
	static_cast<void>(Lambda);
}

enum class ERHIAccess { CopySrc, CopyDest };
enum EBufferUsageFlags : uint32 { BUF_None = 0, BUF_SourceCopy = 1 };
EBufferUsageFlags& operator|=(EBufferUsageFlags&, EBufferUsageFlags);

struct ERHIFeatureLevel
{
	enum Type { ES3_1, SM5, SM6 };
};
extern ERHIFeatureLevel::Type GMaxRHIFeatureLevel;
enum EShaderPlatform { SP_PCD3D_SM5 };
bool IsFeatureLevelSupported(EShaderPlatform, ERHIFeatureLevel::Type);
void AddShaderSourceDirectoryMapping(const FString& Virtual, const FString& Real);

template <typename T>
struct TUniformBufferRef
{
};
struct FViewUniformShaderParameters
{
};
class FRDGTexture;
class FRDGTextureSRV;
class FRDGBufferSRV;
class FRDGBufferUAV;
class FRDGPooledBuffer;
class FRDGBuffer
{
public:
	FRHIBuffer* GetRHI() const;
};
using FRDGTextureRef = FRDGTexture*;
using FRDGTextureSRVRef = FRDGTextureSRV*;
using FRDGBufferRef = FRDGBuffer*;
using FRDGBufferSRVRef = FRDGBufferSRV*;
using FRDGBufferUAVRef = FRDGBufferUAV*;

struct FSceneTextureUniformParameters
{
	FRDGTextureRef SceneColorTexture, SceneDepthTexture, GBufferVelocityTexture, CustomDepthTexture;
	FRDGTextureSRVRef CustomStencilTexture;
};
template <typename T>
class TRDGUniformBuffer
{
public:
	const T* GetContents() const;
};
template <typename T> using TRDGUniformBufferRef = TRDGUniformBuffer<T>*;
struct FSceneTextureShaderParameters
{
	TRDGUniformBufferRef<FSceneTextureUniformParameters> SceneTextures;
};
struct FPostProcessingInputs
{
	TRDGUniformBufferRef<FSceneTextureUniformParameters> SceneTextures;
};

enum class ERenderTargetLoadAction { ENoAction, ELoad, EClear };
struct FRenderTargetBinding
{
	FRenderTargetBinding();
	FRenderTargetBinding(FRDGTextureRef, ERenderTargetLoadAction);
};
struct FRDGBufferDesc
{
	EBufferUsageFlags Usage;
	static FRDGBufferDesc CreateByteAddressDesc(uint32 Bytes);
};
struct FRDGEventName
{
	explicit FRDGEventName(const TCHAR*);
};
enum class ERDGInitialDataFlags { None, NoCopy };
enum class ERDGPassFlags { None = 0, Copy = 1, NeverCull = 2 };
ERDGPassFlags operator|(ERDGPassFlags, ERDGPassFlags);

class FRDGBuilder
{
public:
	template <typename T> T* AllocParameters();
	FRDGBufferRef CreateBuffer(const FRDGBufferDesc&, const TCHAR*);
	FRDGBufferSRVRef CreateSRV(FRDGBufferRef);
	FRDGBufferUAVRef CreateUAV(FRDGBufferRef);
	FRDGBufferRef RegisterExternalBuffer(const TRefCountPtr<FRDGPooledBuffer>&);
	const TRefCountPtr<FRDGPooledBuffer>& ConvertToExternalBuffer(FRDGBufferRef);
	void QueueBufferUpload(FRDGBufferRef, const void* Data, uint64 Bytes, ERDGInitialDataFlags);
	template <typename P, typename L>
	void AddPass(FRDGEventName&&, const P*, ERDGPassFlags, L&& Lambda)
	{
		static_assert(std::is_invocable_v<L, FRHICommandListImmediate&>, "a pass takes the list");
		static_cast<void>(Lambda);
	}
};

class FRHIGPUBufferReadback
{
public:
	explicit FRHIGPUBufferReadback(FName);
	bool IsReady();
	void EnqueueCopy(FRHICommandList&, FRHIBuffer*, uint32 Bytes = 0);
	void* Lock(uint32 Bytes);
	void Unlock();
};
void AddEnqueueCopyPass(FRDGBuilder&, FRHIGPUBufferReadback*, FRDGBufferRef, uint32 Bytes);

struct FGlobalShaderPermutationParameters
{
	EShaderPlatform Platform;
};
class FGlobalShader
{
};
class FGlobalShaderMap;
FGlobalShaderMap* GetGlobalShaderMap(ERHIFeatureLevel::Type);
template <typename T>
struct TShaderMapRef
{
	explicit TShaderMapRef(const FGlobalShaderMap*);
};
enum EShaderFrequency { SF_Vertex, SF_Pixel, SF_Compute };

struct FComputeShaderUtils
{
	static FIntVector GetGroupCount(FIntPoint, int32);
	template <typename T> static void AddPass(FRDGBuilder&, FRDGEventName&&, const TShaderMapRef<T>&, typename T::FParameters*, FIntVector);
};
class FRHIBlendState;
enum EColorWriteMask { CW_RGB, CW_RGBA };
enum EBlendOperation { BO_Add };
enum EBlendFactor { BF_One, BF_Zero, BF_SourceAlpha, BF_InverseSourceAlpha };
template <EColorWriteMask Mask = CW_RGBA, EBlendOperation = BO_Add, EBlendFactor Source = BF_One, EBlendFactor Destination = BF_Zero>
struct TStaticBlendState
{
	static FRHIBlendState* GetRHI();
};
struct FPixelShaderUtils
{
	template <typename T> static void AddFullscreenPass(
		FRDGBuilder&, const FGlobalShaderMap*, FRDGEventName&&, const TShaderMapRef<T>&, typename T::FParameters*, const FIntRect&,
		FRHIBlendState* = nullptr);
};

class FSceneInterface;
struct FEngineShowFlags
{
	uint32 Game : 1;
};
struct FSceneViewFamily
{
	FSceneInterface* Scene;
	FEngineShowFlags EngineShowFlags;
};
enum class EStereoscopicPass { eSSP_FULL, eSSP_PRIMARY, eSSP_SECONDARY };
struct FViewMatrices
{
	const FMatrix& GetProjectionMatrix() const;
	const FVector2D GetTemporalAAJitter() const;
	const FVector& GetViewOrigin() const;
};
class FSceneView
{
public:
	const FSceneViewFamily* Family;
	TUniformBufferRef<FViewUniformShaderParameters> ViewUniformBuffer;
	FViewMatrices ViewMatrices;
	int32 PlayerIndex;
	EStereoscopicPass StereoPass;
	bool bCameraCut, bIsSceneCapture, bIsReflectionCapture, bIsPlanarReflection;
	FVector GetViewRight() const;
	FVector GetViewUp() const;
	FVector GetViewDirection() const;
	bool IsPerspectiveProjection() const;
	ERHIFeatureLevel::Type GetFeatureLevel() const;
};
namespace UE::FXRenderingUtils
{
FIntRect GetRawViewRectUnsafe(const FSceneView&);
}

class FAutoRegister
{
};
class FSceneViewExtensionBase
{
public:
	explicit FSceneViewExtensionBase(const FAutoRegister&);
	virtual ~FSceneViewExtensionBase() = default;
	virtual void PrePostProcessPass_RenderThread(FRDGBuilder&, const FSceneView&, const FPostProcessingInputs&) {}
};
struct FSceneViewExtensions
{
	template <typename T, typename... A>
	static TSharedRef<T> NewExtension(A&&... Arguments)
	{
		return TSharedRef<T>(new T(FAutoRegister(), std::forward<A>(Arguments)...));
	}
};

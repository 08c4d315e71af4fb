#include "Capture/PackPass.h"

#include "DataDrivenShaderPlatformInfo.h"
#include "GlobalShader.h"
#include "PostProcess/PostProcessInputs.h"
#include "RenderGraphBuilder.h"
#include "RenderGraphUtils.h"
#include "SceneTexturesConfig.h"
#include "ShaderParameterStruct.h"

class FWorldplatePackCS : public FGlobalShader
{
public:
	DECLARE_GLOBAL_SHADER(FWorldplatePackCS);
	SHADER_USE_PARAMETER_STRUCT(FWorldplatePackCS, FGlobalShader);

	BEGIN_SHADER_PARAMETER_STRUCT(FParameters, )
		SHADER_PARAMETER_STRUCT_REF(FViewUniformShaderParameters, View)
		SHADER_PARAMETER_STRUCT_INCLUDE(FSceneTextureShaderParameters, SceneTextures)
		SHADER_PARAMETER_RDG_TEXTURE(Texture2D, ColorTexture)
		SHADER_PARAMETER_RDG_TEXTURE(Texture2D, DepthTexture)
		SHADER_PARAMETER_RDG_TEXTURE(Texture2D, VelocityTexture)
		SHADER_PARAMETER_RDG_TEXTURE(Texture2D, CustomDepthTexture)
		SHADER_PARAMETER_RDG_TEXTURE_SRV(Texture2D<uint2>, CustomStencilTexture)
		SHADER_PARAMETER_RDG_BUFFER_SRV(ByteAddressBuffer, Things)
		SHADER_PARAMETER_RDG_BUFFER_UAV(RWByteAddressBuffer, Pack)
		SHADER_PARAMETER(FIntVector4, Sizes)
		SHADER_PARAMETER(FIntPoint, ViewMin)
		SHADER_PARAMETER(FUintVector4, PlacesA)
		SHADER_PARAMETER(FUintVector4, PlacesB)
		SHADER_PARAMETER(FVector2f, DepthTerms)
		SHADER_PARAMETER(FVector4f, Lens)
		SHADER_PARAMETER(FVector2f, JitterNdc)
		SHADER_PARAMETER(FMatrix44f, PreviousClipFromView)
		SHADER_PARAMETER(FMatrix44f, PreviousClipFromFar)
		SHADER_PARAMETER(uint32, MotionKnown)
	END_SHADER_PARAMETER_STRUCT()

	static bool ShouldCompilePermutation(const FGlobalShaderPermutationParameters& Parameters)
	{
		return IsFeatureLevelSupported(Parameters.Platform, ERHIFeatureLevel::SM5);
	}
};

IMPLEMENT_GLOBAL_SHADER(FWorldplatePackCS, "/Plugin/Worldplate/Private/WorldplatePack.usf", "MainCS", SF_Compute);

namespace Worldplate
{
namespace
{
constexpr int32 GroupSide = 8;

uint32 WordsBefore(const FPackInput& Input, int32 Plane)
{
	return static_cast<uint32>((*Input.Places)[Plane].offset_bytes / sizeof(uint32));
}

void SetTextures(FWorldplatePackCS::FParameters& Parameters, const FPostProcessingInputs& Inputs)
{
	const FSceneTextureUniformParameters* Textures = Inputs.SceneTextures->GetContents();
	Parameters.SceneTextures.SceneTextures = Inputs.SceneTextures;
	Parameters.ColorTexture = Textures->SceneColorTexture;
	Parameters.DepthTexture = Textures->SceneDepthTexture;
	Parameters.VelocityTexture = Textures->GBufferVelocityTexture;
	Parameters.CustomDepthTexture = Textures->CustomDepthTexture;
	Parameters.CustomStencilTexture = Textures->CustomStencilTexture;
}

void SetCamera(FWorldplatePackCS::FParameters& Parameters, const FPackInput& Input)
{
	const FView& Geometry = *Input.Geometry;
	const wp_camera& Camera = Input.Track->Camera();
	const FDepthTerms Terms = DepthTermsFrom(Geometry.Projection);
	Parameters.DepthTerms = FVector2f(static_cast<float>(-Terms.A), static_cast<float>(Terms.B));
	Parameters.Lens = FVector4f(
		static_cast<float>(Camera.projection[0]), static_cast<float>(Camera.projection[5]),
		static_cast<float>(Camera.projection[2]), static_cast<float>(Camera.projection[6]));
	Parameters.JitterNdc = FVector2f(static_cast<float>(Geometry.JitterNdc[0]), static_cast<float>(Geometry.JitterNdc[1]));
	Input.Track->PreviousClip(&Parameters.PreviousClipFromView.M[0][0], &Parameters.PreviousClipFromFar.M[0][0]);
	Parameters.MotionKnown = Input.Track->IsMotionKnown() ? 1u : 0u;
}
}  // namespace

void AddPackPass(FRDGBuilder& GraphBuilder, const FSceneView& View, const FPostProcessingInputs& Inputs, const FPackInput& Input, FRDGBufferRef Pack)
{
	const FIntPoint Planes(Input.Geometry->WidthPx, Input.Geometry->HeightPx);
	FWorldplatePackCS::FParameters* Parameters = GraphBuilder.AllocParameters<FWorldplatePackCS::FParameters>();
	Parameters->View = View.ViewUniformBuffer;
	SetTextures(*Parameters, Inputs);
	SetCamera(*Parameters, Input);
	Parameters->Things = GraphBuilder.CreateSRV(Input.Things);
	Parameters->Pack = GraphBuilder.CreateUAV(Pack);
	Parameters->Sizes = FIntVector4(Planes.X, Planes.Y, Input.ViewRect.Width(), Input.ViewRect.Height());
	Parameters->ViewMin = Input.ViewRect.Min;
	Parameters->PlacesA = FUintVector4(WordsBefore(Input, 0), WordsBefore(Input, 1), WordsBefore(Input, 2), WordsBefore(Input, 3));
	Parameters->PlacesB = FUintVector4(WordsBefore(Input, 4), WordsBefore(Input, 5), WordsBefore(Input, 6), WordsBefore(Input, 7));
	const TShaderMapRef<FWorldplatePackCS> Shader(GetGlobalShaderMap(View.GetFeatureLevel()));
	FComputeShaderUtils::AddPass(
		GraphBuilder, RDG_EVENT_NAME("WorldplatePack"), Shader, Parameters, FComputeShaderUtils::GetGroupCount(Planes, GroupSide));
}
}  // namespace Worldplate

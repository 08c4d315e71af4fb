#include "Composite/CompositePass.h"

#include "DataDrivenShaderPlatformInfo.h"
#include "GlobalShader.h"
#include "PixelShaderUtils.h"
#include "RenderGraphBuilder.h"
#include "RenderGraphUtils.h"
#include "RHIStaticStates.h"
#include "ShaderParameterStruct.h"

BEGIN_SHADER_PARAMETER_STRUCT(FWorldplateCompositeParameters, )
	SHADER_PARAMETER_STRUCT_REF(FViewUniformShaderParameters, View)
	SHADER_PARAMETER_RDG_BUFFER_SRV(ByteAddressBuffer, TargetPack)
	SHADER_PARAMETER_RDG_BUFFER_SRV(ByteAddressBuffer, SourcePack)
	SHADER_PARAMETER_RDG_BUFFER_SRV(ByteAddressBuffer, Plate)
	SHADER_PARAMETER_RDG_BUFFER_SRV(ByteAddressBuffer, CarryWords)
	SHADER_PARAMETER(FIntVector4, Sizes)
	SHADER_PARAMETER(FIntPoint, ViewMin)
	SHADER_PARAMETER(FUintVector4, Places)
	SHADER_PARAMETER(float, Strength)
	RENDER_TARGET_BINDING_SLOTS()
END_SHADER_PARAMETER_STRUCT()

class FWorldplateOverPS : public FGlobalShader
{
public:
	DECLARE_GLOBAL_SHADER(FWorldplateOverPS);
	using FParameters = FWorldplateCompositeParameters;
	SHADER_USE_PARAMETER_STRUCT(FWorldplateOverPS, FGlobalShader);

	static bool ShouldCompilePermutation(const FGlobalShaderPermutationParameters& Parameters)
	{
		return IsFeatureLevelSupported(Parameters.Platform, ERHIFeatureLevel::SM5);
	}
};

class FWorldplateOldPS : public FGlobalShader
{
public:
	DECLARE_GLOBAL_SHADER(FWorldplateOldPS);
	using FParameters = FWorldplateCompositeParameters;
	SHADER_USE_PARAMETER_STRUCT(FWorldplateOldPS, FGlobalShader);

	static bool ShouldCompilePermutation(const FGlobalShaderPermutationParameters& Parameters)
	{
		return IsFeatureLevelSupported(Parameters.Platform, ERHIFeatureLevel::SM5);
	}
};

IMPLEMENT_GLOBAL_SHADER(FWorldplateOverPS, "/Plugin/Worldplate/Private/WorldplateComposite.usf", "OverPS", SF_Pixel);
IMPLEMENT_GLOBAL_SHADER(FWorldplateOldPS, "/Plugin/Worldplate/Private/WorldplateComposite.usf", "OldPS", SF_Pixel);

namespace Worldplate
{
namespace
{
uint32 WordsBefore(const FCompositeInput& Input, wp_plane_name Plane)
{
	return static_cast<uint32>((*Input.Places)[Plane].offset_bytes / sizeof(uint32));
}
}  // namespace

void AddCompositePass(FRDGBuilder& GraphBuilder, const FSceneView& View, const FCompositeInput& Input)
{
	FWorldplateCompositeParameters* Parameters = GraphBuilder.AllocParameters<FWorldplateCompositeParameters>();
	Parameters->View = View.ViewUniformBuffer;
	Parameters->TargetPack = GraphBuilder.CreateSRV(Input.Target);
	Parameters->SourcePack = GraphBuilder.CreateSRV(Input.Source);
	Parameters->Plate = GraphBuilder.CreateSRV(Input.Plate);
	Parameters->CarryWords = GraphBuilder.CreateSRV(Input.Carry);
	Parameters->Sizes = FIntVector4(Input.Planes.X, Input.Planes.Y, Input.ViewRect.Width(), Input.ViewRect.Height());
	Parameters->ViewMin = Input.ViewRect.Min;
	Parameters->Places = FUintVector4(
		WordsBefore(Input, WP_PLANE_NAME_COLOR), WordsBefore(Input, WP_PLANE_NAME_DEPTH),
		WordsBefore(Input, WP_PLANE_NAME_OBJECT), Input.bCarried ? 1u : 0u);
	Parameters->Strength = Input.Strength;
	Parameters->RenderTargets[0] = FRenderTargetBinding(Input.SceneColor, ERenderTargetLoadAction::ELoad);

	FGlobalShaderMap* Shaders = GetGlobalShaderMap(View.GetFeatureLevel());
	if (Input.bOld)
	{
		const TShaderMapRef<FWorldplateOldPS> Shader(Shaders);
		FPixelShaderUtils::AddFullscreenPass(
			GraphBuilder, Shaders, RDG_EVENT_NAME("WorldplateOld"), Shader, Parameters, Input.ViewRect, TStaticBlendState<CW_RGB>::GetRHI());
		return;
	}
	const TShaderMapRef<FWorldplateOverPS> Shader(Shaders);
	FPixelShaderUtils::AddFullscreenPass(
		GraphBuilder, Shaders, RDG_EVENT_NAME("WorldplateOver"), Shader, Parameters, Input.ViewRect,
		TStaticBlendState<CW_RGB, BO_Add, BF_SourceAlpha, BF_InverseSourceAlpha>::GetRHI());
}
}  // namespace Worldplate

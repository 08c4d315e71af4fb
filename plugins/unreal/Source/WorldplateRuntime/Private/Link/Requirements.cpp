#include "Requirements.h"

namespace Worldplate
{
namespace
{
// Its pixels are a stream of bits of several closures, not the textures that base colour, normals and roughness are read from.
const char* const Adaptive =
	"This project uses Substrate with the Adaptive GBuffer format, which keeps no base colour, normal and roughness that can be "
	"read. Set Project Settings > Rendering > Substrate > GBuffer Format to Blendable, and restart.";
const char* const OnlyAdaptive =
	"This project uses Substrate, which has the Adaptive GBuffer format alone in this version of the engine, and keeps no base "
	"colour, normal and roughness that can be read. Switch Substrate off in Project Settings > Rendering, and restart.";
}  // namespace

std::vector<FTrouble> TroublesOf(const FEngineFacts& Facts)
{
	std::vector<FTrouble> Found;
	if (Facts.ShaderModel < 5)
	{
		Found.push_back({"Plates need the deferred renderer of shader model 5 or 6: choose Direct3D 12 or Vulkan, and not the mobile "
						 "preview.", true, {}});
	}
	if (Facts.ForwardShading > 0)
	{
		Found.push_back({"This project uses forward shading, which has no base colour and no normals. Switch it off, and restart.",
			true, {"r.ForwardShading", "0"}});
	}
	if (Facts.Substrate > 0 && Facts.SubstrateGBufferFormat != 0)
	{
		const bool bOnly = Facts.SubstrateGBufferFormat < 0;
		Found.push_back({bOnly ? OnlyAdaptive : Adaptive, true,
			bOnly ? FSetting{"r.Substrate", "False"} : FSetting{"r.Substrate.ProjectGBufferFormat", "0"}});
	}
	if (Facts.CustomDepth != 3)
	{
		Found.push_back({"Custom depth is without stencil: objects and labels cannot be told. Enable it with stencil, and restart.",
			false, {"r.CustomDepth", "3"}});
	}
	return Found;
}
}  // namespace Worldplate

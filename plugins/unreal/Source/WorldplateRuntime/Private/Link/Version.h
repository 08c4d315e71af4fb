#pragma once

namespace Worldplate
{
// As Worldplate.uplugin has it; a test holds both together.
inline constexpr char PluginName[] = "Worldplate for Unreal 0.1.0";
}  // namespace Worldplate

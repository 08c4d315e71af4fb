// What keeps a stream from running, in words for its user, and which project setting puts it right.
#pragma once

#include <string>
#include <vector>

namespace Worldplate
{
// As the engine's console variables say it; -1 where it has none of that name.
struct FEngineFacts
{
	int Substrate = 0;               // r.Substrate
	int SubstrateGBufferFormat = -1; // r.Substrate.ProjectGBufferFormat: 0 blendable, 1 adaptive
	int ForwardShading = 0;          // r.ForwardShading
	int CustomDepth = 3;             // r.CustomDepth: 3 is with stencil
	int ShaderModel = 5;             // of the running feature level; 4 stands for mobile
};

// A line of an ini file, as DefaultEngine.ini has it.
struct FSetting
{
	std::string Name, Value;
};

struct FTrouble
{
	std::string Text;
	bool bBlocks;          // the stream does not run; else it does with less
	FSetting Fix;          // Name is empty where none can be offered
};

// In the order in which to put them right; empty: all is well.
std::vector<FTrouble> TroublesOf(const FEngineFacts& Facts);
}  // namespace Worldplate

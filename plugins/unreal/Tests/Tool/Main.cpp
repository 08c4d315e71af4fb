// Runs one command of the plugin's engine-free part; prints `done` at the end, so that a crash is no pass.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>

#include "Commands.h"

int main(int Count, char** Arguments)
{
	using namespace Worldplate;
	const std::string Command = Count > 1 ? Arguments[1] : "", Folder = Count > 2 ? Arguments[2] : "", Third = Count > 3 ? Arguments[3] : "0";
	const std::map<std::string, std::function<void()>> Commands = {
		{"offline", [&] { OfflineFrames(Folder, std::atoi(Third.c_str())); }},
		{"alone", [&] { OfflineAlone(Folder); }},
		{"freerun", [&] { FreerunFrames(Folder, std::atoi(Third.c_str())); }},
		{"controls", [&] { Controls(Folder); }},
		{"models", [&] { Models(Folder, Third); }},
		{"late", [&] { Late(Folder, Third); }},
		{"kill", [&] { Kill(Folder); }},
		{"cycles", [&] { Cycles(Folder, std::atoi(Third.c_str())); }},
		{"time", [&] { Time(Folder, std::atoi(Third.c_str())); }},
		{"spaces", Spaces},
		{"words", Words},
		{"troubles", Troubles},
		{"shelf", Shelf},
		{"stencils", Stencils},
		{"bodies", BodyLists},
		{"selftest", SelfTest},
	};
	const auto Found = Commands.find(Command);
	if (Found == Commands.end())
	{
		std::printf("no command %s\n", Command.c_str());
		return 2;
	}
	Found->second();
	std::printf("done\n");
	return 0;
}

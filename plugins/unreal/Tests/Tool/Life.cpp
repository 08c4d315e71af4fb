// What is left of streams that are over: threads, sockets, segments of this process.
#include <filesystem>
#include <fstream>

#include "Commands.h"
#include "Stage.h"

namespace Worldplate
{
namespace
{
int Play(const std::string& Folder)
{
	FStage Stage(Folder, WP_SYNC_MODE_OFFLINE, WP_LATE_POLICY_REPROJECT);
	Stage.Until(WP_LINK_ATTACHED);
	const uint64_t Id = Stage.Begin(1);
	std::string Why;
	const std::vector<unsigned char> Pixels = Stage.Pixels(0x3c00);
	const wp_picture* Picture = OfflineStep(*Stage.Link, Id, Pixels.data(), PatienceMs, Why);
	return Picture != nullptr && Stage.PlateIs(*Picture, 0x3c00) ? 1 : 0;
}

size_t Count(const char* Folder)
{
	size_t Entries = 0;
	for (const auto& Entry : std::filesystem::directory_iterator(Folder))
	{
		static_cast<void>(Entry);
		Entries++;
	}
	return Entries;
}

void Say(const char* When)
{
	size_t Segments = 0;
	std::ifstream Maps("/proc/self/maps");
	for (std::string Line; std::getline(Maps, Line);)
	{
		Segments += Line.find("/dev/shm/worldplate-") != std::string::npos ? 1 : 0;
	}
	std::printf("%s threads %zu files %zu segments %zu\n", When, Count("/proc/self/task"), Count("/proc/self/fd"), Segments);
}
}  // namespace

void Cycles(const std::string& Folder, int CycleCount)
{
	Play(Folder);  // what a first play leaves for good stays
	Say("before");
	int Plates = 0;
	for (int Cycle = 0; Cycle < CycleCount; Cycle++)
	{
		Plates += Play(Folder);
	}
	Say("after");
	std::printf("plates %d\n", Plates);
}
}  // namespace Worldplate

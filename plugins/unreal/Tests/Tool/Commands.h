#pragma once

#include <string>

namespace Worldplate
{
void OfflineFrames(const std::string& Folder, int Count);
void OfflineAlone(const std::string& Folder);
void FreerunFrames(const std::string& Folder, int Count);
void Controls(const std::string& Folder);
void Models(const std::string& Folder, const std::string& Name);
void Late(const std::string& Folder, const std::string& Policy);
void Kill(const std::string& Folder);
void Cycles(const std::string& Folder, int Count);
void Time(const std::string& Folder, int Count);

void Spaces();
void Words();
void Troubles();
void Shelf();
void Stencils();
void BodyLists();
void SelfTest();
}  // namespace Worldplate

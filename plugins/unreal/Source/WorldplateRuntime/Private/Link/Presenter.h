// What is shown at a tick, as the composite draws it: which packs, which plate, carried or not. Same thread as the link's
// BeginFrame.
#pragma once

#include "Carry.h"
#include "Link.h"
#include "PackShelf.h"

namespace Worldplate
{
struct FShown
{
	uint64_t TargetId = 0, PlateId = 0;
	int TargetPack = -1;   // whose engine pixels
	int SourcePack = -1;   // of the frame that the plate was made for; -1: no plate is shown
	bool bOld = false;     // the target is not the frame that was just drawn: its own colour goes behind
	bool bCarried = false; // the plate is of another frame: Carry says how to bring it here
	bool bNewPlate = false; // Plate is to be uploaded first, and PlateTaken asked
	float Strength = 0.0f;
	const wp_picture* Plate = nullptr;

	bool IsEngineAlone() const { return TargetPack < 0 || (SourcePack < 0 && !bOld); }
};

class FPresenter
{
public:
	FPresenter(FLink& InLink, FPackShelf& InShelf) : Link(InLink), Shelf(InShelf) {}

	// `Id`: the frame that was just drawn and is in the shelf.
	FShown Next(uint64_t Id);

	// After the upload of a new plate: whether it was whole. When not, the engine's own picture is to be shown.
	bool PlateTaken();

	// Packs and plates of before are gone.
	void Forget();

	const FCarry& Carry() const { return CarryWords; }

private:
	FShown Plan(uint64_t Id);

	FLink& Link;
	FPackShelf& Shelf;
	FCarry CarryWords;
	wp_picture Last = {};    // what is on the screen
	uint64_t UploadedId = 0; // of the plate that the GPU has
};
}  // namespace Worldplate

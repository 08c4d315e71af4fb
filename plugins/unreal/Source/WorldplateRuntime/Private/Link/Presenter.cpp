#include "Presenter.h"

namespace Worldplate
{
FShown FPresenter::Next(uint64_t Id)
{
	const wp_picture& Now = Link.Present();
	if (Now.target_id != 0)
	{
		Last = Now;
	}
	else
	{
		Last.plate = nullptr;  // nothing new: the last one stays over what was just drawn, its pixels may be gone
	}
	return Plan(Id);
}

FShown FPresenter::Plan(uint64_t Id)
{
	FShown Shown;
	Shown.TargetId = Last.target_id;
	Shown.TargetPack = Shelf.Find(Last.target_id);
	Shown.bOld = Last.target_id != Id;
	Shown.Plate = &Last;
	const int Source = Shelf.Find(Last.plate_id);
	const bool bHere = Last.plate_id == UploadedId || Last.plate != nullptr;
	const bool bOther = Last.plate_id != Last.target_id;
	if (Shown.TargetPack < 0 || Source < 0 || !bHere)
	{
		return Shown;
	}
	if (bOther && !CarryWords.Fill(Link.Client(), Last.target_id, Last.plate_id))
	{
		return Shown;
	}
	Shown.PlateId = Last.plate_id;
	Shown.SourcePack = Source;
	Shown.bCarried = bOther;
	Shown.bNewPlate = Last.plate_id != UploadedId;
	Shown.Strength = Last.strength;
	return Shown;
}

bool FPresenter::PlateTaken()
{
	UploadedId = Link.PlateIsWhole() ? Last.plate_id : 0;
	return UploadedId != 0;
}

void FPresenter::Forget()
{
	UploadedId = 0;
	Last = {};
}
}  // namespace Worldplate

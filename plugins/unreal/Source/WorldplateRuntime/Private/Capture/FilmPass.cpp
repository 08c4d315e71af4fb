#include "Capture/FilmPass.h"

#include "Link/OfflineStep.h"
#include "RenderGraphBuilder.h"
#include "RenderGraphUtils.h"
#include "RHICommandList.h"
#include "RHIGPUReadback.h"
#include "ShaderParameterStruct.h"
#include "Values.h"
#include "WorldplateRuntimeModule.h"

BEGIN_SHADER_PARAMETER_STRUCT(FWorldplateFilmParameters, )
	RDG_BUFFER_ACCESS(Pack, ERHIAccess::CopySrc)
	RDG_BUFFER_ACCESS(Plate, ERHIAccess::CopyDest)
END_SHADER_PARAMETER_STRUCT()

namespace Worldplate
{
namespace
{
constexpr uint32 PixelBytes = 8;

void CopyPlate(const wp_picture* Picture, uint8* To, uint32 Row, uint32 Rows)
{
	FMemory::Memzero(To, static_cast<SIZE_T>(Row) * Rows);
	for (uint32 Line = 0; Picture != nullptr && Line < Rows; Line++)
	{
		const uint8* From = static_cast<const uint8*>(Picture->plate) + static_cast<SIZE_T>(Line) * Picture->row_pitch_bytes;
		FMemory::Memcpy(To + static_cast<SIZE_T>(Line) * Row, From, Row);
	}
}

void WaitForPlate(FRHICommandListImmediate& Commands, FLink& Link, const FWorldplateFilmParameters& Parameters, FIntPoint Planes, uint64 Id, double PatienceMs)
{
	const uint32 Bytes = static_cast<uint32>(Link.PixelBytes()), Row = static_cast<uint32>(Planes.X) * PixelBytes;
	FRHIGPUBufferReadback ReadBack(TEXT("Worldplate.Film"));
	ReadBack.EnqueueCopy(Commands, Parameters.Pack->GetRHI(), Bytes);
	Commands.SubmitAndBlockUntilGPUIdle();
	std::string Why = "the GPU has not copied the planes";
	const void* Pixels = ReadBack.Lock(Bytes);
	const wp_picture* Picture = Pixels != nullptr ? OfflineStep(Link, Id, Pixels, PatienceMs, Why) : nullptr;
	UE_CLOG(Picture == nullptr, LogWorldplate, Warning, TEXT("A frame of the film shows the engine's own picture: %s"), *TextOf(Why));
	FRHIBuffer* Plate = Parameters.Plate->GetRHI();
	const uint32 PlateBytes = Row * static_cast<uint32>(Planes.Y);
	CopyPlate(Picture, static_cast<uint8*>(Commands.LockBuffer(Plate, 0, PlateBytes, RLM_WriteOnly)), Row, static_cast<uint32>(Planes.Y));
	Commands.UnlockBuffer(Plate);
	if (Pixels != nullptr)
	{
		ReadBack.Unlock();
	}
}
}  // namespace

FRDGBufferRef AddFilmPass(FRDGBuilder& GraphBuilder, FLink& Link, FRDGBufferRef Pack, FIntPoint Planes, uint64 Id, double PatienceMs)
{
	const uint32 Bytes = static_cast<uint32>(Planes.X) * static_cast<uint32>(Planes.Y) * PixelBytes;
	FWorldplateFilmParameters* Parameters = GraphBuilder.AllocParameters<FWorldplateFilmParameters>();
	Parameters->Pack = Pack;
	Parameters->Plate = GraphBuilder.CreateBuffer(FRDGBufferDesc::CreateByteAddressDesc(Bytes), TEXT("Worldplate.FilmPlate"));
	GraphBuilder.AddPass(
		RDG_EVENT_NAME("WorldplateFilm"), Parameters, ERDGPassFlags::Copy | ERDGPassFlags::NeverCull,
		[&Link, Parameters, Planes, Id, PatienceMs](FRHICommandListImmediate& Commands)
		{ WaitForPlate(Commands, Link, *Parameters, Planes, Id, PatienceMs); });
	return Parameters->Plate;
}
}  // namespace Worldplate

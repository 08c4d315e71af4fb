#include "Link.h"

#include "Version.h"

namespace Worldplate
{
std::string WordsOf(wp_code Code)
{
	const std::string Said = wp_last_error();
	return Said.empty() ? wp_code_text(Code) : Said;
}

const std::vector<wp_plane>& FLink::Planes()
{
	static const std::vector<wp_plane> All = {
		{WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F},
		{WP_PLANE_NAME_NORMAL, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_MOTION, WP_PIXEL_FORMAT_RG16F},
		{WP_PLANE_NAME_ALBEDO, WP_PIXEL_FORMAT_RGBA16F}, {WP_PLANE_NAME_MATERIAL, WP_PIXEL_FORMAT_RG16F},
		{WP_PLANE_NAME_OBJECT, WP_PIXEL_FORMAT_R32UI}, {WP_PLANE_NAME_LABEL, WP_PIXEL_FORMAT_R8UI},
	};
	return All;
}

std::unique_ptr<FLink> FLink::Open(const FLinkSettings& Settings, std::string& Why)
{
	wp_client_desc Desc = wp_client_defaults();
	Desc.abi_version = WP_ABI_VERSION;
	Desc.width = Settings.WidthPx;
	Desc.height = Settings.HeightPx;
	Desc.planes = Planes().data();
	Desc.plane_count = static_cast<uint32_t>(Planes().size());
	Desc.sync = Settings.Sync;
	Desc.late = Settings.Late;
	Desc.delay_frames = Settings.DelayFrames;
	Desc.seed = Settings.Seed;
	Desc.frames_in_flight = Settings.FramesInFlight;
	Desc.frame_period_ms = Settings.FramePeriodMs;
	Desc.name = PluginName;
	Desc.engine = Settings.Engine.c_str();
	Desc.connection_file = Settings.ConnectionFile.empty() ? nullptr : Settings.ConnectionFile.c_str();
	wp_client Opened = {};
	const wp_code Code = wp_open(&Desc, &Opened);
	if (Code != WP_OK)
	{
		Why = WordsOf(Code);
		return nullptr;
	}
	std::unique_ptr<FLink> Link(new FLink(Opened, Settings.Seed));
	Why = Link->ReadLayout();
	return Why.empty() ? std::move(Link) : nullptr;
}

FLink::FLink(wp_client Opened, uint64_t WorldSeed) : Handle(Opened), Seed(WorldSeed)
{
}

FLink::~FLink()
{
	wp_close(Handle);
}

std::string FLink::Resize(uint32_t WidthPx, uint32_t HeightPx)
{
	const wp_code Code = wp_resize(Handle, WidthPx, HeightPx);
	return Code == WP_OK ? ReadLayout() : WordsOf(Code);
}

std::string FLink::ReadLayout()
{
	Layout.resize(Planes().size());
	const wp_code Code = wp_layout(Handle, Layout.data(), &Bytes);
	return Code == WP_OK ? "" : WordsOf(Code);
}

uint64_t FLink::BeginFrame(const wp_camera& Camera, const FBodyList& Bodies, wp_reset Reset, const wp_timecode* Timecode)
{
	wp_frame Frame = {};
	Frame.camera = Camera;
	Frame.bodies = Bodies.Bodies().data();
	Frame.body_count = static_cast<uint32_t>(Bodies.Bodies().size());
	Frame.contacts = Bodies.Contacts().data();
	Frame.contact_count = static_cast<uint32_t>(Bodies.Contacts().size());
	Frame.reset = Reset;
	Frame.seed = Seed;
	Frame.timecode = Timecode;
	uint64_t Id = 0;
	return Keep(wp_begin_frame(Handle, &Frame, &Id)) ? Id : 0;
}

bool FLink::WantsPixels() const
{
	return wp_wants_pixels(Handle) != 0;
}

bool FLink::Submit(uint64_t Id, const void* Pixels, std::atomic<bool>& bReleased)
{
	const wp_release Release = [](void* User) { static_cast<std::atomic<bool>*>(User)->store(true, std::memory_order_release); };
	bReleased.store(false, std::memory_order_relaxed);
	return Keep(wp_submit(Handle, Id, Pixels, Bytes, Release, &bReleased));
}

bool FLink::Wait(uint64_t Id, double TimeoutMs)
{
	return Keep(wp_wait(Handle, Id, TimeoutMs));
}

const wp_picture& FLink::Present()
{
	if (!Keep(wp_present(Handle, &Picture)))
	{
		Picture = {};
	}
	return Picture;
}

bool FLink::PlateIsWhole() const
{
	return wp_plate_whole(Handle) != 0;
}

bool FLink::Keep(wp_code Code)
{
	if (Code != WP_OK)
	{
		Reason = WordsOf(Code);
	}
	return Code == WP_OK;
}
}  // namespace Worldplate

// One stream's way to the renderer and back: the native client as an engine uses it in each frame. Any thread; nothing
// waits but Wait and the destructor (WP_CLOSE_MS at most). No exception leaves or enters: Unreal is built without them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "BodyList.h"

namespace Worldplate
{
struct FLinkSettings
{
	uint32_t WidthPx = 0, HeightPx = 0;  // of every plane, 1..8192
	wp_sync_mode Sync = WP_SYNC_MODE_FREERUN;
	wp_late_policy Late = WP_LATE_POLICY_REPROJECT;
	uint32_t DelayFrames = 1;  // n of delayed, 0..8
	uint64_t Seed = 0;
	uint32_t FramesInFlight = 2;  // unanswered, after which WantsPixels says no
	double FramePeriodMs = 1000.0 / 60.0;
	std::string Engine;          // name and version, for people, 64 bytes at most
	std::string ConnectionFile;  // empty: this user's
};

class FLink
{
public:
	// The planes that the pack shader writes, in its order.
	static const std::vector<wp_plane>& Planes();

	// Null with `Why` when the settings are refused. The renderer need not be there yet.
	static std::unique_ptr<FLink> Open(const FLinkSettings& Settings, std::string& Why);

	// Says goodbye and ends the worker: every submitted pixel is released when this returns.
	~FLink();
	FLink(const FLink&) = delete;
	FLink& operator=(const FLink&) = delete;

	// From the next frame on, which is then a cut. What is wrong, or "".
	std::string Resize(uint32_t WidthPx, uint32_t HeightPx);

	// Where each plane lies in the pixels of a frame, and how many bytes all of them take.
	const std::vector<wp_plane_place>& Places() const { return Layout; }
	uint64_t PixelBytes() const { return Bytes; }

	// The state of this tick; its id, from 1, or 0 with Why when it was refused.
	uint64_t BeginFrame(const wp_camera& Camera, const FBodyList& Bodies, wp_reset Reset, const wp_timecode* Timecode);

	bool WantsPixels() const;

	// Pixels, and `bReleased`, stay until the worker sets it, also when this is refused; when the link is closed at the latest.
	bool Submit(uint64_t Id, const void* Pixels, std::atomic<bool>& bReleased);

	// Until the plate of that frame is there or will not come.
	bool Wait(uint64_t Id, double TimeoutMs);

	// What to show, once in each tick. Its plate is good until the next call, Resize or the end.
	const wp_picture& Present();
	bool PlateIsWhole() const;

	// Steering; each returns what is wrong, or "".
	std::string SetNumber(const std::string& Name, double Value);
	std::string SetText(const std::string& Name, const std::string& Value);
	std::string SetEngineLabels(const std::vector<uint8_t>& Labels);
	std::string SetPlateRange(double NearM, double FarM);  // 0 and infinity own nothing
	std::string ResetWorld();

	// Those that the renderer can change over to, and the one that serves; none where it keeps its model.
	std::vector<std::string> Models() const;

	// Asks for another, for every engine of the renderer. What is wrong, or ""; ModelChange says what becomes of it.
	std::string UseModel(const std::string& Name);
	wp_model_change ModelChange() const;

	// Those of the last session while none is open.
	std::vector<wp_control> Controls() const;
	wp_status Status() const;
	bool NextLog(std::string& Line, int& Level) const;

	// Of the last call that returned false or 0.
	const std::string& Why() const { return Reason; }

	wp_client Client() const { return Handle; }

private:
	FLink(wp_client Opened, uint64_t WorldSeed);
	bool Keep(wp_code Code);
	std::string ReadLayout();

	wp_client Handle;
	uint64_t Seed, Bytes = 0;
	std::vector<wp_plane_place> Layout;
	wp_picture Picture = {};
	std::string Reason;
};

// A code in words: what the library said of it, or what it means.
std::string WordsOf(wp_code Code);
}  // namespace Worldplate

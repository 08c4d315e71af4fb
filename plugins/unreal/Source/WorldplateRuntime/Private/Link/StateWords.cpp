#include "StateWords.h"

namespace Worldplate
{
namespace
{
// What is wrong and what to do about it, as sentences.
std::string Sentences(const std::string& Text, const std::string& Fix)
{
	const bool bBoth = !Text.empty() && !Fix.empty();
	return Text + (bBoth && Text.back() != '.' ? "." : "") + (bBoth ? " " : "") + Fix;
}

FStateWords WordsOfRenderer(const wp_status& Status)
{
	switch (Status.renderer_state)
	{
	case WP_RENDERER_STATE_LOADING:
		return {"Attached; the model is getting ready", Status.renderer_text, EMood::Waiting};
	case WP_RENDERER_STATE_DEGRADED:
		return {"Attached, with less than it should", Status.renderer_text, EMood::Waiting};
	default:
		return {"Attached", Status.renderer_text, EMood::Good};
	}
}

// No beat of the render loop for long: one plate takes too long, or nothing moves any more.
FStateWords WordsOfStalled(const wp_status& Status)
{
	if (Status.plates_per_s > 0.0)
	{
		return {"Attached, but slow",
			"A plate takes the renderer very long. Lower Resolution Scale, or choose a faster model.", EMood::Waiting};
	}
	return {"Attached, but the renderer does not move",
		"The engine's own picture is shown until it does. Look into the renderer's terminal.", EMood::Bad};
}
}  // namespace

FStateWords StateWordsOf(const wp_status& Status)
{
	switch (Status.state)
	{
	case WP_LINK_SEARCHING:
		return {"Waiting for a renderer", "Start one here, or run `worldplate serve` in a terminal.", EMood::Waiting};
	case WP_LINK_CONNECTING:
	case WP_LINK_GREETING:
		return {"Connecting to the renderer", "", EMood::Waiting};
	case WP_LINK_OPENING:
		return {"Opening the session", "", EMood::Waiting};
	case WP_LINK_STALLED:
		return WordsOfStalled(Status);
	case WP_LINK_REFUSED:
		return {"The renderer refused this stream", Sentences(Status.error_text, Status.error_fix), EMood::Bad};
	default:
		return WordsOfRenderer(Status);
	}
}

std::string WordsOfChange(const wp_model_change& Change)
{
	switch (Change.progress)
	{
	case WP_MODEL_LOADING:
		return std::string(Change.name) + " is being loaded; plates are of the model before until it is ready.";
	case WP_MODEL_REFUSED:
		return std::string(Change.name) + " was not taken: " + Sentences(Change.error_text, Change.error_fix);
	default:
		return "";
	}
}

FStateWords StateWordsOfTrouble(const std::string& Trouble)
{
	return {Trouble.empty() ? "Idle" : "Cannot run", Trouble, Trouble.empty() ? EMood::Waiting : EMood::Bad};
}
}  // namespace Worldplate

// Models and controls, what stays the engine's, the world, status and log.
#include "Link.h"

namespace Worldplate
{
namespace
{
std::string Wrong(wp_code Code)
{
	return Code == WP_OK ? "" : WordsOf(Code);
}
}  // namespace

std::string FLink::SetNumber(const std::string& Name, double Value)
{
	return Wrong(wp_set_number(Handle, Name.c_str(), Value));
}

std::string FLink::SetText(const std::string& Name, const std::string& Value)
{
	return Wrong(wp_set_text(Handle, Name.c_str(), Value.c_str()));
}

std::string FLink::SetEngineLabels(const std::vector<uint8_t>& Labels)
{
	return Wrong(wp_set_engine_labels(Handle, Labels.data(), static_cast<uint32_t>(Labels.size())));
}

std::string FLink::SetPlateRange(double NearM, double FarM)
{
	return Wrong(wp_set_plate_range(Handle, NearM, FarM));
}

std::string FLink::ResetWorld()
{
	return Wrong(wp_reset_world(Handle));
}

std::vector<wp_control> FLink::Controls() const
{
	std::vector<wp_control> All;
	const std::unique_ptr<wp_control> Each(new wp_control);  // some kilobytes: not on a stack of the engine's
	while (wp_control_at(Handle, static_cast<uint32_t>(All.size()), Each.get()) == WP_OK)
	{
		All.push_back(*Each);
	}
	return All;
}

std::vector<std::string> FLink::Models() const
{
	std::vector<std::string> All;
	char Name[WP_NAME_BYTES] = "";
	while (wp_model_at(Handle, static_cast<uint32_t>(All.size()), Name) == WP_OK)
	{
		All.push_back(Name);
	}
	return All;
}

std::string FLink::UseModel(const std::string& Name)
{
	return Wrong(wp_use_model(Handle, Name.c_str()));
}

wp_model_change FLink::ModelChange() const
{
	wp_model_change Change = {};
	wp_get_model_change(Handle, &Change);
	return Change;
}

wp_status FLink::Status() const
{
	wp_status Status = {};
	wp_get_status(Handle, &Status);
	return Status;
}

bool FLink::NextLog(std::string& Line, int& Level) const
{
	char Text[WP_TEXT_BYTES] = "";
	const bool bThere = wp_next_log(Handle, Text, &Level) == WP_OK && Text[0] != '\0';
	Line = Text;
	return bThere;
}
}  // namespace Worldplate

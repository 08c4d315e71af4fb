#include "report.hpp"

#include <algorithm>

#include "words.hpp"

namespace worldplate::godot {

namespace {

// Counters of the client stay far below 2^63.
int64_t integer(uint64_t value) { return static_cast<int64_t>(value); }

Texts wanted_planes(uint32_t bits) {
    Texts names;
    for (std::size_t i = 0; i < kPlaneNames.size(); ++i)
        if ((bits >> i & 1u) != 0) names.append(kPlaneNames[i]);
    return names;
}

Dictionary dispositions(const wp_status& status) {
    Dictionary counts;
    for (std::size_t i = 0; i < kDispositions.size(); ++i)
        counts.set(kDispositions[i], integer(status.dispositions[i]));
    return counts;
}

// Milliseconds by the stage's name.
Dictionary stages(const wp_status& status) {
    Dictionary times;
    const uint32_t count = std::min<uint32_t>(status.stage_count, WP_MAX_STAGES);
    for (uint32_t i = 0; i < count; ++i) times.set(status.stages[i].name, status.stages[i].ms);
    return times;
}

void set_default(Dictionary& report, const wp_control& control) {
    switch (control.type) {
        case WP_CONTROL_TYPE_NUMBER: return report.set("default", control.default_number);
        case WP_CONTROL_TYPE_INTEGER: return report.set("default", static_cast<int64_t>(control.default_number));
        case WP_CONTROL_TYPE_TOGGLE: return report.set("default", control.default_number >= 0.5);
        case WP_CONTROL_TYPE_CHOICE:
        case WP_CONTROL_TYPE_TEXT: return report.set("default", control.default_text);
    }
}

}  // namespace

Dictionary layout_report(const std::vector<wp_plane_place>& places, uint64_t bytes) {
    Dictionary report;
    report.set("bytes", integer(bytes));
    for (const wp_plane_place& place : places) {
        Dictionary plane;
        plane.set("offset", integer(place.offset_bytes));
        plane.set("pitch", integer(place.row_pitch_bytes));
        plane.set("format", word(kPixelFormats, place.format));
        report.set(word(kPlaneNames, place.name), plane);
    }
    return report;
}

Dictionary picture_report(const wp_picture& picture) {
    Dictionary report;
    report.set("target", integer(picture.target_id));
    report.set("plate", integer(picture.plate_id));
    report.set("disposition", word(kDispositions, picture.disposition));
    report.set("strength", static_cast<double>(picture.strength));
    report.set("age_ms", picture.age_ms);
    report.set("state_age_ms", picture.state_age_ms);
    report.set("reason", picture.reason);
    return report;
}

Dictionary status_report(const wp_status& status) {
    Dictionary report;
    report.set("state", word(kLinkStates, status.state));
    report.set("session_count", integer(status.session_count));
    report.set("renderer_pid", integer(status.renderer_pid));
    report.set("transport", word(kTransports, status.transport));
    report.set("transport_reason", status.transport_reason);
    report.set("model", status.model);
    report.set("runtime", status.runtime);
    report.set("licence", status.licence);
    report.set("renderer_state", word(kRendererStates, status.renderer_state));
    report.set("renderer_text", status.renderer_text);
    report.set("error_code", status.error_code);
    report.set("error_text", status.error_text);
    report.set("error_fix", status.error_fix);
    report.set("wanted_planes", wanted_planes(status.wanted_planes));
    report.set("begun", integer(status.begun));
    report.set("submitted", integer(status.submitted));
    report.set("answered", integer(status.answered));
    report.set("dispositions", dispositions(status));
    report.set("repeated", integer(status.repeated));
    report.set("plates_per_s", status.plates_per_s);
    report.set("age_p50_ms", status.age_p50_ms);
    report.set("age_p95_ms", status.age_p95_ms);
    report.set("age_p99_ms", status.age_p99_ms);
    report.set("round_trip_ms", status.round_trip_ms);
    report.set("host_bytes_copied", integer(status.host_bytes_copied));
    report.set("renderer_bytes_copied", integer(status.renderer_bytes_copied));
    report.set("stages", stages(status));
    return report;
}

Dictionary control_report(const wp_control& control) {
    Dictionary report;
    report.set("name", control.name);
    report.set("type", word(kControlTypes, control.type));
    report.set("text", control.text);
    report.set("unit", control.unit);
    report.set("minimum", control.minimum);
    report.set("maximum", control.maximum);
    report.set("step", control.step);
    set_default(report, control);
    Texts choices;
    for (uint32_t i = 0; i < std::min<uint32_t>(control.choice_count, WP_RING_MAX_PLANES * 4); ++i)
        choices.append(control.choices[i]);
    report.set("choices", choices);
    return report;
}

Dictionary model_change_report(const wp_model_change& change) {
    Dictionary report;
    report.set("progress", word(kModelProgress, change.progress));
    report.set("name", change.name);
    report.set("error_code", change.error_code);
    report.set("error_text", change.error_text);
    report.set("error_fix", change.error_fix);
    return report;
}

}  // namespace worldplate::godot

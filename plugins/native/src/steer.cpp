/* What a person turns: the model's controls, and who owns which pixel. */
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "checks.hpp"
#include "client.hpp"
#include "utf8.hpp"

namespace worldplate {
namespace {

std::string range_of(const Control& control) {
    char range[80];
    std::snprintf(range, sizeof range, "%g to %g", control.minimum, control.maximum);
    return range;
}

/* Makes a number the type that the control takes, or says in words why the value is none for it; as check_controls of
   renderer/ingest.py. */
std::string make_fit(const Control& control, ControlValue& value) {
    const bool takes_text = control.type == WP_CONTROL_TYPE_CHOICE || control.type == WP_CONTROL_TYPE_TEXT;
    if (const auto* text = std::get_if<std::string>(&value)) {
        if (!takes_text) return "The control " + control.name + " takes a number.";
        const auto& choices = control.choices;
        if (control.type == WP_CONTROL_TYPE_TEXT || std::find(choices.begin(), choices.end(), *text) != choices.end()) return "";
        return "'" + *text + "' is no choice of the control " + control.name + ".";
    }
    if (takes_text) return "The control " + control.name + " takes a text.";
    const double number = std::visit(
        [](const auto& held) {
            if constexpr (std::is_arithmetic_v<std::decay_t<decltype(held)>>) return static_cast<double>(held);
            return 0.0;
        },
        value);
    if (control.type == WP_CONTROL_TYPE_TOGGLE) {
        if (!std::isfinite(number)) return control.name + " is " + std::to_string(number) + ": use 0 or 1.";
        value = number != 0.0;
        return "";
    }
    const bool whole = control.type == WP_CONTROL_TYPE_INTEGER;
    if (!(number >= control.minimum && number <= control.maximum) || (whole && number != std::floor(number)))
        return control.name + " is " + std::to_string(number) + ": use a " + (whole ? "whole " : "") + "number from " +
               range_of(control) + ".";
    value = number;
    if (whole) value = static_cast<int64_t>(number);
    return "";
}

}  // namespace

Outcome Client::control_at(uint32_t index, wp_control& out) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (index >= controls_.size()) return {WP_NO_CONTROL, wp_code_text(WP_NO_CONTROL)};
    const Control& control = controls_[index];
    std::memset(&out, 0, sizeof out);
    put(out.name, control.name);
    put(out.text, control.text);
    put(out.unit, control.unit);
    out.type = control.type;
    out.minimum = control.minimum;
    out.maximum = control.maximum;
    out.step = control.step;
    if (const auto* toggle = std::get_if<bool>(&control.default_)) out.default_number = *toggle ? 1.0 : 0.0;
    if (const auto* integer = std::get_if<int64_t>(&control.default_)) out.default_number = static_cast<double>(*integer);
    if (const auto* number = std::get_if<double>(&control.default_)) out.default_number = *number;
    if (const auto* text = std::get_if<std::string>(&control.default_)) put(out.default_text, *text);
    out.choice_count = static_cast<uint32_t>(std::min(control.choices.size(), std::size(out.choices)));
    for (uint32_t choice = 0; choice < out.choice_count; ++choice) put(out.choices[choice], control.choices[choice]);
    return {};
}

const Control* Client::known_control(const std::string& name) const {
    const auto found = std::find_if(controls_.begin(), controls_.end(), [&name](const auto& c) { return c.name == name; });
    return found != controls_.end() ? &*found : nullptr;
}

Outcome Client::set_number(const std::string& name, double value) {
    const std::lock_guard<std::mutex> guard(lock_);
    return set(name, value);
}

Outcome Client::set_text(const std::string& name, const std::string& value) {
    if (!is_utf8(value.data(), value.size())) return {WP_BAD_ARGUMENT, "The value of " + name + " is not UTF-8."};
    const std::lock_guard<std::mutex> guard(lock_);
    return set(name, value);
}

/* Before a model is known any value is taken; each is then told to the models that have the control. */
Outcome Client::set(const std::string& name, const ControlValue& value) {
    if (!is_utf8(name.data(), name.size())) return {WP_BAD_ARGUMENT, "The name of a control is not UTF-8."};
    const Control* control = known_control(name);
    if (control == nullptr && status_.session_count > 0) return {WP_NO_CONTROL, wp_code_text(WP_NO_CONTROL)};
    ControlValue fit = value;
    if (control != nullptr)
        if (const std::string wrong = make_fit(*control, fit); !wrong.empty()) return {WP_BAD_ARGUMENT, wrong};
    if (const auto refusal = check_controls({{name, fit}}, Limits{})) return {WP_BAD_ARGUMENT, refusal->text};
    auto& values = steering_.values;
    const auto known = std::find_if(values.begin(), values.end(), [&name](const auto& each) { return each.first == name; });
    if (known != values.end())
        known->second = fit;
    else if (values.size() < WP_LIMIT_MAX_CONTROLS)
        values.emplace_back(name, fit);
    else
        return {WP_BAD_ARGUMENT, "More than " + std::to_string(WP_LIMIT_MAX_CONTROLS) + " controls are set (`max_controls`)."};
    steering_changed();
    wake();
    return {};
}

/* What was set and this model has; the rest waits for another, as one value that a model refuses would lose all that
   is told with it. */
Map<ControlValue> Client::known_values() {
    Map<ControlValue> known;
    for (auto [name, value] : steering_.values) {
        const Control* control = known_control(name);
        std::string wrong = control == nullptr ? "the model " + std::string(status_.model) + " has no such control"
                                               : make_fit(*control, value);
        if (wrong.empty())
            if (const auto refusal = check_controls({{name, value}}, limits_)) wrong = refusal->text;
        if (wrong.empty() && known.size() < static_cast<size_t>(limits_.max_controls))
            known.emplace_back(name, value);
        else if (!skips_told_)
            note(1, "The control " + name + " is not told: " + wrong);
    }
    skips_told_ = true;
    return known;
}

/* Controls, ownership and a reset of the world, to a renderer that does not know them yet. */
void Client::tell() {
    if (state_ != WP_LINK_ATTACHED) return;
    std::optional<SetControls> controls;
    bool reset = false;
    {
        const std::lock_guard<std::mutex> guard(lock_);
        if (!steering_told_) {
            controls = steering_;
            controls->values = known_values();
            controls->session = session_;
        }
        steering_told_ = true;
        reset = world_reset_;
        world_reset_ = false;
    }
    const bool told = !controls || send(*controls);
    const bool is_reset = !reset || send(World{session_, WP_WORLD_OP_RESET, ""});
    if (told && is_reset) return;
    const std::lock_guard<std::mutex> guard(lock_); /* the queue is full: again at the next step */
    steering_told_ = steering_told_ && told;
    world_reset_ = world_reset_ || !is_reset;
}

void Client::steering_changed() {
    is_steered_ = true;
    steering_told_ = false;
}

Outcome Client::set_ownership(const SetControls& change) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (change.engine_objects) steering_.engine_objects = change.engine_objects;
    if (change.engine_labels) steering_.engine_labels = change.engine_labels;
    if (change.plate_near_m) steering_.plate_near_m = change.plate_near_m;
    if (change.plate_far_m) steering_.plate_far_m = change.plate_far_m;
    steering_changed();
    wake();
    return {};
}

void Client::reset_world() {
    const std::lock_guard<std::mutex> guard(lock_);
    world_reset_ = true;
    pending_reset_ = WP_RESET_CUT;
    wake();
}

}  // namespace worldplate

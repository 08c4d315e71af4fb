/* What a person turns: the model's controls, and who owns which pixel. */
#include <algorithm>
#include <cstring>

#include "checks.hpp"
#include "client.hpp"
#include "utf8.hpp"

namespace worldplate {
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

/* The model's schema decides which type a number is of; before it is known it is a real one. */
Outcome Client::set_number(const std::string& name, double value) {
    const std::lock_guard<std::mutex> guard(lock_);
    const Control* control = known_control(name);
    if (status_.session_count > 0 && control == nullptr) return {WP_NO_CONTROL, wp_code_text(WP_NO_CONTROL)};
    if (control == nullptr) return set_control(name, value);
    if (control->type == WP_CONTROL_TYPE_TOGGLE) return set_control(name, value != 0.0);
    if (control->type == WP_CONTROL_TYPE_CHOICE || control->type == WP_CONTROL_TYPE_TEXT)
        return {WP_BAD_ARGUMENT, "The control " + name + " takes a text."};
    if (!(value >= control->minimum && value <= control->maximum))
        return {WP_BAD_ARGUMENT, name + " is " + std::to_string(value) + ": use " + std::to_string(control->minimum) +
                                     ".." + std::to_string(control->maximum) + "."};
    if (control->type == WP_CONTROL_TYPE_INTEGER) return set_control(name, static_cast<int64_t>(value));
    return set_control(name, value);
}

Outcome Client::set_text(const std::string& name, const std::string& value) {
    if (!is_utf8(value.data(), value.size())) return {WP_BAD_ARGUMENT, "The value of " + name + " is not UTF-8."};
    const std::lock_guard<std::mutex> guard(lock_);
    const Control* control = known_control(name);
    if (status_.session_count > 0 && control == nullptr) return {WP_NO_CONTROL, wp_code_text(WP_NO_CONTROL)};
    if (control != nullptr && control->type != WP_CONTROL_TYPE_CHOICE && control->type != WP_CONTROL_TYPE_TEXT)
        return {WP_BAD_ARGUMENT, "The control " + name + " takes a number."};
    if (control != nullptr && control->type == WP_CONTROL_TYPE_CHOICE &&
        std::find(control->choices.begin(), control->choices.end(), value) == control->choices.end())
        return {WP_BAD_ARGUMENT, "'" + value + "' is no choice of the control " + name + "."};
    return set_control(name, value);
}

Outcome Client::set_control(const std::string& name, const ControlValue& value) {
    if (const auto refusal = check_controls({{name, value}}, Limits{})) return {WP_BAD_ARGUMENT, refusal->text};
    auto& values = steering_.values;
    const auto known = std::find_if(values.begin(), values.end(), [&name](const auto& each) { return each.first == name; });
    if (known != values.end())
        known->second = value;
    else
        values.emplace_back(name, value);
    steering_told_ = false;
    wake();
    return {};
}

Outcome Client::set_ownership(const SetControls& change) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (change.engine_objects) steering_.engine_objects = change.engine_objects;
    if (change.engine_labels) steering_.engine_labels = change.engine_labels;
    if (change.plate_near_m) steering_.plate_near_m = change.plate_near_m;
    if (change.plate_far_m) steering_.plate_far_m = change.plate_far_m;
    steering_told_ = false;
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

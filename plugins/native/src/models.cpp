/* Which models the renderer has, and another one that the engine asks for. */
#include "client.hpp"
#include "fields.hpp"
#include "utf8.hpp"

namespace worldplate {

Outcome Client::model_at(uint32_t index, char* name) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (index >= models_.size()) return {WP_NO_MODEL, wp_code_text(WP_NO_MODEL)};
    put(name, WP_NAME_BYTES, models_[index]);
    return {};
}

Outcome Client::use_model(const std::string& name) {
    if (name.empty() || name.size() >= WP_NAME_BYTES || !is_snapshot_name(name))
        return {WP_BAD_ARGUMENT, "This is no name of a model: use 1 to 64 letters, digits, - and _, as wp_model_at lists them."};
    const std::lock_guard<std::mutex> guard(lock_);
    if (state_ != WP_LINK_ATTACHED) return {WP_NO_RENDERER, wp_code_text(WP_NO_RENDERER)};
    if (model_change_.progress == WP_MODEL_LOADING)
        return {WP_NOT_SUPPORTED, std::string("The model ") + model_change_.name + " is being loaded: wait for it, and ask again."};
    model_change_ = {};
    model_change_.progress = WP_MODEL_LOADING;
    put(model_change_.name, name);
    model_unsent_ = true;
    wake();
    return {};
}

void Client::model_change(wp_model_change& change) {
    const std::lock_guard<std::mutex> guard(lock_);
    change = model_change_;
}

void Client::ask_for_model() {
    UseModel asked;
    {
        const std::lock_guard<std::mutex> guard(lock_);
        if (!model_unsent_ || state_ != WP_LINK_ATTACHED) return;
        model_unsent_ = false;
        asked.model = model_change_.name;
        asked.nonce = ++model_nonce_;
    }
    if (send(asked)) return;
    const std::lock_guard<std::mutex> guard(lock_); /* the queue is full: again at the next step */
    model_unsent_ = true;
}

/* WELCOME has come before, where it serves. An answer that comes when nobody waits any more says nothing. */
void Client::model_answered(int64_t nonce, const Error* why_not) {
    if (nonce != model_nonce_ || model_unsent_ || model_change_.progress != WP_MODEL_LOADING) return;
    model_change_.progress = WP_MODEL_SERVES;
    if (why_not == nullptr) return;
    model_change_.progress = WP_MODEL_REFUSED;
    put(model_change_.error_code, why_not->code);
    put(model_change_.error_text, why_not->text);
    put(model_change_.error_fix, why_not->fix);
    note(1, std::string("The model ") + model_change_.name + " does not take over: " + why_not->text + ". " + why_not->fix);
}

/* The renderer is gone, and with it the answer. Allocates nothing: there may be no memory. */
void Client::model_lost(const std::string& reason) {
    model_unsent_ = false;
    if (model_change_.progress != WP_MODEL_LOADING) return;
    model_change_.progress = WP_MODEL_REFUSED;
    put(model_change_.error_code, WP_ERROR_NO_RENDERER);
    put(model_change_.error_text, reason);
    put(model_change_.error_fix, "Ask again once a renderer is attached.");
}

}  // namespace worldplate

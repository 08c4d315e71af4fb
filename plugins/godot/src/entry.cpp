// Where the engine enters: named in worldplate.gdextension.

#include "binding.hpp"
#include "follower.hpp"
#include "link.hpp"

namespace {

using worldplate::godot::Binding;
using worldplate::godot::Follower;
using worldplate::godot::Link;

void initialize(void*, GDExtensionInitializationLevel level) {
    if (level != GDEXTENSION_INITIALIZATION_SCENE) return;
    Follower::bind();
    Link::bind();
}

void deinitialize(void*, GDExtensionInitializationLevel level) {
    if (level != GDEXTENSION_INITIALIZATION_SCENE) return;
    Binding<Link>::remove();
    Binding<Follower>::remove();
}

}  // namespace

extern "C" WP_API GDExtensionBool worldplate_godot_init(GDExtensionInterfaceGetProcAddress get_proc_address,
    GDExtensionClassLibraryPtr library, GDExtensionInitialization* initialization) {
    if (!worldplate::godot::load_engine(get_proc_address, library)) return 0;
    initialization->minimum_initialization_level = GDEXTENSION_INITIALIZATION_SCENE;
    initialization->userdata = nullptr;
    initialization->initialize = initialize;
    initialization->deinitialize = deinitialize;
    return 1;
}

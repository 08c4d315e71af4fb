#include "engine.hpp"

#include <cstdio>

#include "values.hpp"

namespace worldplate::godot {

Engine engine{};

namespace {

// Of the signatures `int size() const` and `int resize(int)` of arrays, in extension_api.json of Godot 4.4 to 4.6.
constexpr GDExtensionInt kSizeHash = 3173160232;
constexpr GDExtensionInt kResizeHash = 848867239;

template <class Function>
bool load(GDExtensionInterfaceGetProcAddress get, const char* name, Function& function) {
    function = reinterpret_cast<Function>(get(name));
    if (function == nullptr)  // The engine's own error output may be what is missing.
        std::fprintf(stderr, "worldplate: this Godot has no %s; use Godot 4.4 or newer\n", name);
    return function != nullptr;
}

void load_type(GDExtensionVariantType type) {
    TypeFunctions& functions = engine.types[type];
    functions.construct = engine.variant_get_ptr_constructor(type, 0);
    functions.copy = engine.variant_get_ptr_constructor(type, 1);
    functions.destroy = engine.variant_get_ptr_destructor(type);
    functions.to_variant = engine.get_variant_from_type_constructor(type);
    functions.from_variant = engine.get_variant_to_type_constructor(type);
}

bool load_array(GDExtensionVariantType type) {
    load_type(type);
    TypeFunctions& functions = engine.types[type];
    functions.size = engine.variant_get_ptr_builtin_method(type, Name("size").pointer(), kSizeHash);
    functions.resize = engine.variant_get_ptr_builtin_method(type, Name("resize").pointer(), kResizeHash);
    return functions.size != nullptr && functions.resize != nullptr;
}

}  // namespace

bool load_engine(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library) {
    bool whole = true;
#define WORLDPLATE_GODOT_LOAD(name, type) whole = load(get, #name, engine.name) && whole;
    WORLDPLATE_GODOT_FUNCTIONS(WORLDPLATE_GODOT_LOAD)
#undef WORLDPLATE_GODOT_LOAD
    if (!whole) return false;
    engine.library = library;
    for (GDExtensionVariantType type : {GDEXTENSION_VARIANT_TYPE_BOOL, GDEXTENSION_VARIANT_TYPE_INT,
             GDEXTENSION_VARIANT_TYPE_FLOAT, GDEXTENSION_VARIANT_TYPE_STRING, GDEXTENSION_VARIANT_TYPE_STRING_NAME,
             GDEXTENSION_VARIANT_TYPE_DICTIONARY})
        load_type(type);
    for (GDExtensionVariantType type : {GDEXTENSION_VARIANT_TYPE_ARRAY, GDEXTENSION_VARIANT_TYPE_PACKED_BYTE_ARRAY,
             GDEXTENSION_VARIANT_TYPE_PACKED_INT64_ARRAY, GDEXTENSION_VARIANT_TYPE_PACKED_FLOAT32_ARRAY,
             GDEXTENSION_VARIANT_TYPE_PACKED_FLOAT64_ARRAY, GDEXTENSION_VARIANT_TYPE_PACKED_STRING_ARRAY})
        whole = load_array(type) && whole;
    if (!whole) std::fprintf(stderr, "worldplate: this Godot's arrays have other methods; use Godot 4.4 or newer\n");
    return whole;
}

}  // namespace worldplate::godot

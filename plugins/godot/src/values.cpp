#include "values.hpp"

namespace worldplate::godot {

Text::Text(std::string_view utf8) : Builtin(Unmade{}) {
    engine.string_new_with_utf8_chars_and_len(storage_, utf8.data(), static_cast<GDExtensionInt>(utf8.size()));
}

std::string Text::utf8() const {
    const GDExtensionInt length = engine.string_to_utf8_chars(storage_, nullptr, 0);
    std::string text(static_cast<std::size_t>(length), '\0');
    engine.string_to_utf8_chars(storage_, text.data(), length);
    return text;
}

Name::Name(const char* latin1) : Builtin(Unmade{}) {
    // Not "static": the engine would keep the pointer after this library is unloaded.
    engine.string_name_new_with_latin1_chars(storage_, latin1, 0);
}

bool Variant::to_bool() const {
    GDExtensionBool value = 0;
    engine.types[GDEXTENSION_VARIANT_TYPE_BOOL].from_variant(&value, const_cast<void*>(pointer()));
    return value != 0;
}

int64_t Variant::to_int() const {
    int64_t value = 0;
    engine.types[GDEXTENSION_VARIANT_TYPE_INT].from_variant(&value, const_cast<void*>(pointer()));
    return value;
}

double Variant::to_double() const {
    double value = 0;
    engine.types[GDEXTENSION_VARIANT_TYPE_FLOAT].from_variant(&value, const_cast<void*>(pointer()));
    return value;
}

void Variant::put(void* unmade, bool value) {
    GDExtensionBool encoded = value ? 1 : 0;
    engine.types[GDEXTENSION_VARIANT_TYPE_BOOL].to_variant(unmade, &encoded);
}

void Variant::put(void* unmade, int64_t value) {
    engine.types[GDEXTENSION_VARIANT_TYPE_INT].to_variant(unmade, &value);
}

void Variant::put(void* unmade, double value) {
    engine.types[GDEXTENSION_VARIANT_TYPE_FLOAT].to_variant(unmade, &value);
}

Dictionaries::Dictionaries() {
    engine.array_set_typed(storage_, GDEXTENSION_VARIANT_TYPE_DICTIONARY, Name("").pointer(), Variant().pointer());
}

void Dictionaries::append(const Dictionary& value) {
    const int64_t index = count();
    if (!count_to(index + 1)) return;
    void* place = engine.array_operator_index(storage_, index);
    engine.variant_destroy(place);
    Variant::put(place, value);
}

void Texts::append(const char* utf8) {
    const int64_t index = count();
    if (!count_to(index + 1)) return;
    *static_cast<Text*>(engine.packed_string_array_operator_index(storage_, index)) = Text(utf8);
}

}  // namespace worldplate::godot

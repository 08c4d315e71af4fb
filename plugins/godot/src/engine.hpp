// What this extension uses of the engine, as gdextension_interface.h declares it: functions of Godot 4.4 or older.
#pragma once

#include <array>

#include "gdextension_interface.h"

namespace worldplate::godot {

#define WORLDPLATE_GODOT_FUNCTIONS(X)                                        \
    X(array_operator_index, ArrayOperatorIndex)                              \
    X(array_operator_index_const, ArrayOperatorIndexConst)                   \
    X(array_set_typed, ArraySetTyped)                                        \
    X(classdb_construct_object2, ClassdbConstructObject2)                    \
    X(classdb_get_method_bind, ClassdbGetMethodBind)                         \
    X(classdb_register_extension_class4, ClassdbRegisterExtensionClass4)     \
    X(classdb_register_extension_class_method, ClassdbRegisterExtensionClassMethod) \
    X(classdb_unregister_extension_class, ClassdbUnregisterExtensionClass)   \
    X(dictionary_operator_index, DictionaryOperatorIndex)                    \
    X(dictionary_operator_index_const, DictionaryOperatorIndexConst)         \
    X(get_variant_from_type_constructor, GetVariantFromTypeConstructor)      \
    X(get_variant_to_type_constructor, GetVariantToTypeConstructor)          \
    X(global_get_singleton, GlobalGetSingleton)                              \
    X(object_get_instance_from_id, ObjectGetInstanceFromId)                  \
    X(object_method_bind_ptrcall, ObjectMethodBindPtrcall)                   \
    X(object_set_instance, ObjectSetInstance)                                \
    X(packed_byte_array_operator_index, PackedByteArrayOperatorIndex)        \
    X(packed_byte_array_operator_index_const, PackedByteArrayOperatorIndexConst) \
    X(packed_float32_array_operator_index, PackedFloat32ArrayOperatorIndex)  \
    X(packed_float32_array_operator_index_const, PackedFloat32ArrayOperatorIndexConst) \
    X(packed_float64_array_operator_index, PackedFloat64ArrayOperatorIndex)  \
    X(packed_float64_array_operator_index_const, PackedFloat64ArrayOperatorIndexConst) \
    X(packed_int64_array_operator_index, PackedInt64ArrayOperatorIndex)      \
    X(packed_int64_array_operator_index_const, PackedInt64ArrayOperatorIndexConst) \
    X(packed_string_array_operator_index, PackedStringArrayOperatorIndex)    \
    X(print_error_with_message, PrintErrorWithMessage)                       \
    X(string_name_new_with_latin1_chars, StringNameNewWithLatin1Chars)       \
    X(string_new_with_utf8_chars_and_len, StringNewWithUtf8CharsAndLen)      \
    X(string_to_utf8_chars, StringToUtf8Chars)                               \
    X(variant_can_convert_strict, VariantCanConvertStrict)                   \
    X(variant_destroy, VariantDestroy)                                       \
    X(variant_get_ptr_builtin_method, VariantGetPtrBuiltinMethod)            \
    X(variant_get_ptr_constructor, VariantGetPtrConstructor)                 \
    X(variant_get_ptr_destructor, VariantGetPtrDestructor)                   \
    X(variant_get_type, VariantGetType)                                      \
    X(variant_iter_get, VariantIterGet)                                      \
    X(variant_iter_init, VariantIterInit)                                    \
    X(variant_iter_next, VariantIterNext)                                    \
    X(variant_new_nil, VariantNewNil)

// How values of one builtin type are made, copied, ended, and put into and taken from a variant. Entries that a type
// does not have are null: numbers have no destructor, only arrays have a size.
struct TypeFunctions {
    GDExtensionPtrConstructor construct, copy;
    GDExtensionPtrDestructor destroy;
    GDExtensionVariantFromTypeConstructorFunc to_variant;
    GDExtensionTypeFromVariantConstructorFunc from_variant;
    GDExtensionPtrBuiltInMethod size, resize;
};

struct Engine {
#define WORLDPLATE_GODOT_MEMBER(name, type) GDExtensionInterface##type name;
    WORLDPLATE_GODOT_FUNCTIONS(WORLDPLATE_GODOT_MEMBER)
#undef WORLDPLATE_GODOT_MEMBER
    GDExtensionClassLibraryPtr library;
    std::array<TypeFunctions, GDEXTENSION_VARIANT_TYPE_VARIANT_MAX> types;
};

// Filled by load_engine before anything else runs, read-only afterwards.
extern Engine engine;

// Whether this engine has everything: what it lacks is in its error output.
bool load_engine(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library);

}  // namespace worldplate::godot

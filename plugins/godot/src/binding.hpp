// Makes a C++ class known to the engine: names, argument types and both ways of calling (with variants, and with
// pointers to typed values) come from the signature of each member function.
//
// A class T that is bound has `class_name`, `parent_name`, a default constructor, and a type `T::Call`, of which one
// object lives during each call of a method. Methods return void, a number, or a value of values.hpp, and take numbers
// by value and values by const reference (borrowed: good during the call).
#pragma once

#include <array>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

#include "values.hpp"

namespace worldplate::godot {

// How a C++ type travels: its type in the engine, and what a pointer call points to.
template <class T>
struct Travel {
    static constexpr GDExtensionVariantType type = T::type;
    using Pointed = T;
    static T from(const Variant& variant) { return T(variant); }
};
template <>
struct Travel<bool> {
    static constexpr GDExtensionVariantType type = GDEXTENSION_VARIANT_TYPE_BOOL;
    using Pointed = GDExtensionBool;
    static bool from(const Variant& variant) { return variant.to_bool(); }
};
template <>
struct Travel<int64_t> {
    static constexpr GDExtensionVariantType type = GDEXTENSION_VARIANT_TYPE_INT;
    using Pointed = int64_t;
    static int64_t from(const Variant& variant) { return variant.to_int(); }
};
template <>
struct Travel<double> {
    static constexpr GDExtensionVariantType type = GDEXTENSION_VARIANT_TYPE_FLOAT;
    using Pointed = double;
    static double from(const Variant& variant) { return variant.to_double(); }
};
template <>
struct Travel<Variant> {
    static constexpr GDExtensionVariantType type = GDEXTENSION_VARIANT_TYPE_NIL;
    using Pointed = Variant;
    static const Variant& from(const Variant& variant) { return variant; }
};

// An argument or a return value as the engine's analyser and documentation see it.
class Property {
public:
    template <class T>
    static Property of(const char* name) {
        constexpr bool any = std::is_same_v<T, Variant>;
        constexpr bool dictionaries = std::is_same_v<T, Dictionaries>;
        return Property(name, Travel<T>::type, any ? kNilIsVariant : kUsageDefault, dictionaries ? "Dictionary" : "");
    }
    Property(const Property&) = delete;
    Property& operator=(const Property&) = delete;

    // Good while this object is.
    GDExtensionPropertyInfo info() {
        return {type_, name_.pointer(), class_name_.pointer(), hint_, hint_text_.pointer(), usage_};
    }

private:
    static constexpr uint32_t kUsageDefault = 6;       // PROPERTY_USAGE_DEFAULT
    static constexpr uint32_t kNilIsVariant = 131072;  // PROPERTY_USAGE_NIL_IS_VARIANT
    static constexpr uint32_t kHintArrayType = 31;     // PROPERTY_HINT_ARRAY_TYPE

    Property(const char* name, GDExtensionVariantType type, uint32_t usage, const char* element_type)
        : type_(type), name_(name), class_name_(""), hint_(*element_type == '\0' ? 0 : kHintArrayType),
          hint_text_(element_type), usage_(usage) {}

    GDExtensionVariantType type_;
    Name name_, class_name_;
    uint32_t hint_;
    Text hint_text_;
    uint32_t usage_;
};

template <class T>
constexpr GDExtensionClassMethodArgumentMetadata metadata() {
    if constexpr (std::is_same_v<T, int64_t>) return GDEXTENSION_METHOD_ARGUMENT_METADATA_INT_IS_INT64;
    if constexpr (std::is_same_v<T, double>) return GDEXTENSION_METHOD_ARGUMENT_METADATA_REAL_IS_DOUBLE;
    return GDEXTENSION_METHOD_ARGUMENT_METADATA_NONE;
}

// The one place where an exception of C++ ends: the engine is built without them. What the engine gets then is
// the default of the method's type.
template <class Body>
void guarded(const char* method, Body body) {
    try {
        body();
    } catch (const std::exception& error) {
        engine.print_error_with_message(error.what(), "a call failed", method, "WorldplateLink", 0, 0);
    }
}

template <auto member>
struct Method;

template <class T, class Return, class... Arguments, Return (T::*member)(Arguments...)>
struct Method<member> {
    template <class A>
    using Plain = std::remove_cv_t<std::remove_reference_t<A>>;
    static constexpr std::size_t arity = sizeof...(Arguments);
    using Indices = std::index_sequence_for<Arguments...>;

    // With variants: from untyped GDScript and Object.call. Count and types are checked here.
    static void call(void* name, GDExtensionClassInstancePtr self, const GDExtensionConstVariantPtr* arguments,
        GDExtensionInt count, GDExtensionVariantPtr result, GDExtensionCallError* error) {
        *error = checked(arguments, count, Indices{});
        if (error->error != GDEXTENSION_CALL_OK) return;
        guarded(static_cast<const char*>(name), [&] { call_with(self, arguments, result, Indices{}); });
    }

    // With pointers to values of the right types: from typed GDScript and other languages.
    static void pointer_call(void* name, GDExtensionClassInstancePtr self, const GDExtensionConstTypePtr* arguments,
        GDExtensionTypePtr result) {
        guarded(static_cast<const char*>(name), [&] { pointer_call_with(self, arguments, result, Indices{}); });
    }

    template <class... Names>
    static void add(Name& class_name, const char* method_name, Names... argument_names) {
        static_assert(sizeof...(Names) == arity, "one name for each argument");
        Name name(method_name);
        std::array<Property, arity> properties{Property::of<Plain<Arguments>>(argument_names)...};
        std::array<GDExtensionPropertyInfo, arity + 1> infos{};  // One more, because arrays of 0 have no address.
        for (std::size_t i = 0; i < arity; ++i) infos[i] = properties[i].info();
        std::array<GDExtensionClassMethodArgumentMetadata, arity + 1> kinds{metadata<Plain<Arguments>>()...};
        GDExtensionClassMethodInfo info{};
        info.name = name.pointer();
        info.method_userdata = const_cast<char*>(method_name);  // Only read.
        info.call_func = call;
        info.ptrcall_func = pointer_call;
        info.method_flags = GDEXTENSION_METHOD_FLAGS_DEFAULT;
        info.argument_count = arity;
        info.arguments_info = infos.data();
        info.arguments_metadata = kinds.data();
        if constexpr (std::is_void_v<Return>) {
            engine.classdb_register_extension_class_method(engine.library, class_name.pointer(), &info);
        } else {
            Property returned = Property::of<Return>("");
            GDExtensionPropertyInfo returned_info = returned.info();
            info.has_return_value = 1;
            info.return_value_info = &returned_info;
            info.return_value_metadata = metadata<Return>();
            engine.classdb_register_extension_class_method(engine.library, class_name.pointer(), &info);
        }
    }

private:
    template <std::size_t... index>
    static GDExtensionCallError checked([[maybe_unused]] const GDExtensionConstVariantPtr* arguments,
        GDExtensionInt count, std::index_sequence<index...>) {
        constexpr auto wanted = static_cast<int32_t>(arity);
        if (count < wanted) return {GDEXTENSION_CALL_ERROR_TOO_FEW_ARGUMENTS, 0, wanted};
        if (count > wanted) return {GDEXTENSION_CALL_ERROR_TOO_MANY_ARGUMENTS, 0, wanted};
        const std::array<bool, arity> fit{fits<Plain<Arguments>>(arguments[index])...};
        constexpr std::array<GDExtensionVariantType, arity> types{Travel<Plain<Arguments>>::type...};
        for (std::size_t i = 0; i < arity; ++i)
            if (!fit[i])
                return {GDEXTENSION_CALL_ERROR_INVALID_ARGUMENT, static_cast<int32_t>(i),
                    static_cast<int32_t>(types[i])};
        return {GDEXTENSION_CALL_OK, 0, 0};
    }

    template <class A>
    static bool fits(GDExtensionConstVariantPtr argument) {
        if constexpr (std::is_same_v<A, Variant>) return true;
        const GDExtensionVariantType given = engine.variant_get_type(argument);
        return given == Travel<A>::type || engine.variant_can_convert_strict(given, Travel<A>::type) != 0;
    }

    template <std::size_t... index>
    static void call_with(GDExtensionClassInstancePtr self,
        [[maybe_unused]] const GDExtensionConstVariantPtr* arguments, [[maybe_unused]] GDExtensionVariantPtr result,
        std::index_sequence<index...>) {
        T& instance = *static_cast<T*>(self);
        const typename T::Call during(instance);
        auto run = [&]() -> Return {
            return (instance.*member)(
                Travel<Plain<Arguments>>::from(*static_cast<const Variant*>(arguments[index]))...);
        };
        if constexpr (std::is_void_v<Return>) {
            run();
        } else {
            Variant::put(result, run());  // The engine gives a variant without a value: it owns nothing.
        }
    }

    template <std::size_t... index>
    static void pointer_call_with(GDExtensionClassInstancePtr self,
        [[maybe_unused]] const GDExtensionConstTypePtr* arguments, [[maybe_unused]] GDExtensionTypePtr result,
        std::index_sequence<index...>) {
        T& instance = *static_cast<T*>(self);
        const typename T::Call during(instance);
        auto run = [&]() -> Return {
            return (instance.*member)(pointed<Plain<Arguments>>(arguments[index])...);
        };
        if constexpr (std::is_void_v<Return>) {
            run();
        } else {
            Return value = run();
            if (result != nullptr) *static_cast<typename Travel<Return>::Pointed*>(result) = std::move(value);
        }
    }

    template <class A>
    static decltype(auto) pointed(GDExtensionConstTypePtr argument) {
        if constexpr (std::is_arithmetic_v<A>) {
            return static_cast<A>(*static_cast<const typename Travel<A>::Pointed*>(argument));
        } else {
            return *static_cast<const A*>(argument);
        }
    }
};

template <class T>
class Binding {
public:
    Binding() : name_(T::class_name) {
        Name parent(T::parent_name);
        GDExtensionClassCreationInfo4 info{};
        info.is_exposed = 1;
        info.create_instance_func = create;
        info.free_instance_func = destroy;
        info.recreate_instance_func = recreate;
        engine.classdb_register_extension_class4(engine.library, name_.pointer(), parent.pointer(), &info);
    }

    template <auto member, class... Names>
    Binding& method(const char* name, Names... argument_names) {
        Method<member>::add(name_, name, argument_names...);
        return *this;
    }

    static void remove() { engine.classdb_unregister_extension_class(engine.library, Name(T::class_name).pointer()); }

private:
    // Nothing in T's parents listens to NOTIFICATION_POSTINITIALIZE, and scripts are attached later: it is not sent.
    static GDExtensionObjectPtr create(void*, GDExtensionBool) {
        GDExtensionObjectPtr object = engine.classdb_construct_object2(Name(T::parent_name).pointer());
        engine.object_set_instance(object, Name(T::class_name).pointer(), new T());
        return object;
    }
    static void destroy(void*, GDExtensionClassInstancePtr instance) { delete static_cast<T*>(instance); }
    // After a reload of this library: objects live on, with a new and closed instance.
    static GDExtensionClassInstancePtr recreate(void*, GDExtensionObjectPtr) { return new T(); }

    Name name_;
};

}  // namespace worldplate::godot

// The engine's values as C++ objects: each owns what it holds, copies as the engine copies (arrays and dictionaries by
// reference or on write), and ends it in its destructor. A value that the engine owns is borrowed as a const reference
// to one of these classes; they have its layout and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "engine.hpp"

namespace worldplate::godot {

class Variant;

// Any builtin type that is not a plain number. `bytes` are those of a 64-bit engine.
template <GDExtensionVariantType kind, std::size_t bytes>
class Builtin {
public:
    static constexpr GDExtensionVariantType type = kind;

    Builtin() { engine.types[kind].construct(storage_, nullptr); }
    Builtin(const Builtin& other) {
        const void* from[] = {other.storage_};
        engine.types[kind].copy(storage_, from);
    }
    Builtin(Builtin&& other) noexcept : Builtin() { swap(other); }
    Builtin& operator=(Builtin other) noexcept {
        swap(other);
        return *this;
    }
    ~Builtin() { engine.types[kind].destroy(storage_); }

    // Converted from a variant of this type, or of one that converts strictly to it.
    explicit Builtin(const Variant& variant);

    void* pointer() { return storage_; }
    const void* pointer() const { return storage_; }

protected:
    struct Unmade {};  // For a derived class that makes the value itself.
    explicit Builtin(Unmade) {}

    // The engine's own values may be moved in memory as bytes, as it does itself when its arrays grow.
    void swap(Builtin& other) noexcept { std::swap(storage_, other.storage_); }

    // Of the arrays: how many elements, and another number of them. Elements that are new are 0 or empty. False when
    // there is no memory; the engine has said so then.
    int64_t count() const {
        int64_t count = 0;
        engine.types[kind].size(const_cast<unsigned char*>(storage_), nullptr, &count, 0);  // Only read.
        return count;
    }
    bool count_to(int64_t count) {
        const void* arguments[] = {&count};
        int64_t error = 0;
        engine.types[kind].resize(storage_, arguments, &error, 1);
        return error == 0;
    }

    alignas(8) unsigned char storage_[bytes];
};

// Godot's String.
class Text : public Builtin<GDEXTENSION_VARIANT_TYPE_STRING, 8> {
public:
    using Builtin::Builtin;
    Text() = default;
    Text(std::string_view utf8);  // NOLINT(google-explicit-constructor): texts are returned as they are written
    Text(const char* utf8) : Text(std::string_view(utf8)) {}
    Text(const std::string& utf8) : Text(std::string_view(utf8)) {}
    std::string utf8() const;
};

// Godot's StringName.
class Name : public Builtin<GDEXTENSION_VARIANT_TYPE_STRING_NAME, 8> {
public:
    explicit Name(const char* latin1);
};

// A value of any type. Borrowed variants may be smaller than this class: only a pointer to them is ever used, and the
// room here is that of an engine with double precision.
class Variant {
public:
    Variant() { engine.variant_new_nil(storage_); }
    template <class T>
    explicit Variant(const T& value) {
        put(storage_, value);
    }
    Variant(const Variant&) = delete;
    Variant& operator=(const Variant&) = delete;
    ~Variant() { engine.variant_destroy(storage_); }

    GDExtensionVariantType type() const { return engine.variant_get_type(storage_); }
    bool is(GDExtensionVariantType wanted) const { return type() == wanted; }
    bool is_text() const { return is(GDEXTENSION_VARIANT_TYPE_STRING) || is(GDEXTENSION_VARIANT_TYPE_STRING_NAME); }
    bool is_number() const { return is(GDEXTENSION_VARIANT_TYPE_FLOAT) || is(GDEXTENSION_VARIANT_TYPE_INT); }

    // Converted; the caller has looked at the type.
    bool to_bool() const;
    int64_t to_int() const;
    double to_double() const;
    Text to_text() const { return Text(*this); }

    void* pointer() { return storage_; }
    const void* pointer() const { return storage_; }

    // Makes a variant of `value` in memory that holds none.
    static void put(void* unmade, bool value);
    static void put(void* unmade, int64_t value);
    static void put(void* unmade, double value);
    static void put(void* unmade, const char* value) { put(unmade, Text(value)); }
    template <GDExtensionVariantType kind, std::size_t bytes>
    static void put(void* unmade, const Builtin<kind, bytes>& value) {
        engine.types[kind].to_variant(unmade, const_cast<void*>(value.pointer()));  // The engine only reads it.
    }

private:
    alignas(8) unsigned char storage_[40];
};

template <GDExtensionVariantType kind, std::size_t bytes>
Builtin<kind, bytes>::Builtin(const Variant& variant) {
    engine.types[kind].from_variant(storage_, const_cast<void*>(variant.pointer()));  // The engine only reads it.
}

class Dictionary : public Builtin<GDEXTENSION_VARIANT_TYPE_DICTIONARY, 8> {
public:
    using Builtin::Builtin;
    Dictionary() = default;

    template <class T>
    void set(const char* key, const T& value) {
        void* place = engine.dictionary_operator_index(storage_, Variant(key).pointer());
        engine.variant_destroy(place);
        Variant::put(place, value);
    }

    // Calls `visit(const Variant& key, const Variant& value)` for every entry, in order, until it returns false.
    template <class Visit>
    void each(Visit visit) const;
};

// An untyped array of variants, to read.
class Array : public Builtin<GDEXTENSION_VARIANT_TYPE_ARRAY, 8> {
public:
    using Builtin::Builtin;
    Array() = default;
    int64_t size() const { return count(); }
    // Borrowed: good while this array is.
    const Variant& operator[](int64_t index) const {
        return *static_cast<const Variant*>(engine.array_operator_index_const(storage_, index));
    }
};

// Array[Dictionary].
class Dictionaries : public Array {
public:
    Dictionaries();
    void append(const Dictionary& value);
};

// One of the packed arrays of numbers: contiguous, counted atomically, copied when one of several owners writes.
template <class T>
struct PackedType;

template <class T>
class Packed : public Builtin<PackedType<T>::type, 16> {
public:
    using Base = Builtin<PackedType<T>::type, 16>;
    using Base::Base;
    Packed() = default;
    explicit Packed(int64_t count) { resize(count); }

    int64_t size() const { return this->count(); }
    bool resize(int64_t count) { return this->count_to(count); }
    // Null when it is empty.
    const T* data() const { return size() == 0 ? nullptr : PackedType<T>::read(this->storage_); }
    T* writable() { return size() == 0 ? nullptr : PackedType<T>::write(this->storage_); }
};

#define WORLDPLATE_GODOT_PACKED(T, TYPE, name)                                                         \
    template <>                                                                                        \
    struct PackedType<T> {                                                                             \
        static constexpr GDExtensionVariantType type = GDEXTENSION_VARIANT_TYPE_PACKED_##TYPE##_ARRAY; \
        static const T* read(const void* array) {                                                      \
            return engine.packed_##name##_array_operator_index_const(array, 0);                        \
        }                                                                                              \
        static T* write(void* array) { return engine.packed_##name##_array_operator_index(array, 0); } \
    };
WORLDPLATE_GODOT_PACKED(uint8_t, BYTE, byte)
WORLDPLATE_GODOT_PACKED(int64_t, INT64, int64)
WORLDPLATE_GODOT_PACKED(float, FLOAT32, float32)
WORLDPLATE_GODOT_PACKED(double, FLOAT64, float64)
#undef WORLDPLATE_GODOT_PACKED

using Bytes = Packed<uint8_t>;
using Ints = Packed<int64_t>;
using Floats = Packed<float>;
using Doubles = Packed<double>;

// PackedStringArray.
class Texts : public Builtin<GDEXTENSION_VARIANT_TYPE_PACKED_STRING_ARRAY, 16> {
public:
    void append(const char* utf8);
};

template <class Visit>
void Dictionary::each(Visit visit) const {
    const Variant self(*this);
    Variant place;
    GDExtensionBool valid = 0;
    engine.variant_destroy(place.pointer());
    GDExtensionBool more = engine.variant_iter_init(self.pointer(), place.pointer(), &valid);
    while (more != 0 && valid != 0) {
        Variant key;
        engine.variant_destroy(key.pointer());
        engine.variant_iter_get(self.pointer(), place.pointer(), key.pointer(), &valid);
        const void* value = engine.dictionary_operator_index_const(storage_, key.pointer());
        if (!visit(key, *static_cast<const Variant*>(value))) return;
        more = engine.variant_iter_next(self.pointer(), place.pointer(), &valid);
    }
}

}  // namespace worldplate::godot

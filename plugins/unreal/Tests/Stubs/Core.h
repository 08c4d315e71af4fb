// The engine's members that the plugin uses, as its public documentation and public plugins show them: enough for a compiler
// to find a wrong name, a wrong type or a missing argument. Own declarations, none of the engine's text; nothing here runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

using int32 = std::int32_t;
using int64 = std::int64_t;
using uint8 = std::uint8_t;
using uint32 = std::uint32_t;
using uint64 = std::uint64_t;
using SIZE_T = std::size_t;
using TCHAR = char16_t;

// Macros of the engine that own names could fall over.
#define check(Expression)
#define verify(Expression) (Expression)
#define ensure(Expression) (Expression)
#define PI (3.1415926535897932f)
#define TEXT(Text) u##Text
#define LOCTEXT(Key, Text) FText::FromString(TEXT(Text))
#define INDEX_NONE (-1)
#define WITH_EDITOR 1
#define WITH_DEV_AUTOMATION_TESTS 1
#define PLATFORM_WINDOWS 0
#define FORCEINLINE inline
#define WORLDPLATERUNTIME_API

#define UENUM(...)
#define USTRUCT(...)
#define UCLASS(...)
#define UPROPERTY(...)
#define UFUNCTION(...)
#define UMETA(...)
struct UClass;
// What the header tool would write; `Super` is found by name in each class below.
#define GENERATED_BODY()

const char* StubUtf8(const TCHAR*);
const TCHAR* StubTchar(const char*);
#define TCHAR_TO_UTF8(Text) StubUtf8(Text)
#define UTF8_TO_TCHAR(Text) StubTchar(Text)

template <typename T>
constexpr std::remove_reference_t<T>&& MoveTemp(T&& Value)
{
	static_assert(!std::is_const_v<std::remove_reference_t<T>>, "MoveTemp of a const value copies");
	return static_cast<std::remove_reference_t<T>&&>(Value);
}

template <typename T>
class TArray
{
public:
	TArray() = default;
	TArray(std::initializer_list<T>);
	int32 Num() const;
	bool IsEmpty() const;
	bool IsValidIndex(int32) const;
	T& operator[](int32);
	const T& operator[](int32) const;
	int32 Add(const T&);
	int32 Add(T&&);
	void SetNum(int32);
	void SetNumUninitialized(int32);
	void Reset(int32 = 0);
	void RemoveAt(int32 Index, int32 Count);
	template <typename P>
	int32 RemoveAll(const P& Predicate)
	{
		return Predicate(Last()) ? 1 : 0;
	}
	template <typename P>
	const T* FindByPredicate(P Predicate) const
	{
		return Predicate(Last()) ? GetData() : nullptr;
	}
	T& Last(int32 = 0);
	const T& Last(int32 = 0) const;
	T* GetData();
	const T* GetData() const;
	T* begin();
	T* end();
	const T* begin() const;
	const T* end() const;
};

template <typename K, typename V>
struct TPair
{
	K Key;
	V Value;
};

template <typename K, typename V>
class TMap
{
public:
	struct TIterator
	{
		explicit operator bool() const;
		TIterator& operator++();
		TPair<K, V>* operator->() const;
		void RemoveCurrent();
	};
	V* Find(const K&);
	V& FindOrAdd(const K&);
	TIterator CreateIterator();
	TPair<K, V>* begin();
	TPair<K, V>* end();
	const TPair<K, V>* begin() const;
	const TPair<K, V>* end() const;
};

class FString
{
public:
	FString();
	FString(const TCHAR*);
	FString(const char*);
	const TCHAR* operator*() const;
	bool IsEmpty() const;
	void Reset();
	FString TrimEnd() const;
	FString& operator+=(const FString&);
	bool operator==(const FString&) const;
	template <typename... A> static FString Printf(const TCHAR*, A...);
};
FString operator+(const FString&, const FString&);
FString operator+(const FString&, const TCHAR*);
FString operator+(const TCHAR*, const FString&);

struct FName
{
	FName();
	FName(const TCHAR*);
	bool IsNone() const;
};

class FText
{
public:
	static FText FromString(const FString&);
	static FText GetEmpty();
	FString ToString() const;
};

template <typename F>
class TFunction
{
public:
	TFunction();
	TFunction(std::nullptr_t);
	template <typename L>
		requires(!std::is_same_v<std::remove_cvref_t<L>, TFunction>)
	TFunction(L&& Lambda)
	{
		static_assert(std::is_constructible_v<std::function<F>, L>, "this cannot be called so");
		static_cast<void>(Lambda);
	}
	explicit operator bool() const;
	template <typename... A> auto operator()(A&&... Arguments) const -> decltype(std::declval<std::function<F>>()(std::forward<A>(Arguments)...));
};

enum class ESPMode
{
	NotThreadSafe,
	ThreadSafe,
};
template <typename T, ESPMode = ESPMode::ThreadSafe>
class TSharedRef
{
public:
	TSharedRef() = delete;
	template <typename O, typename = std::enable_if_t<std::is_convertible_v<O*, T*>>>
	TSharedRef(const TSharedRef<O>& Other) : Object(Other.Object)
	{
	}
	explicit TSharedRef(T* Made) : Object(Made) {}
	T* operator->() const { return Object; }
	T& operator*() const { return *Object; }
	T* Object;
};
template <typename T, ESPMode = ESPMode::ThreadSafe>
class TSharedPtr
{
public:
	TSharedPtr();
	TSharedPtr(std::nullptr_t);
	template <typename O, typename = std::enable_if_t<std::is_convertible_v<O*, T*>>> TSharedPtr(const TSharedRef<O>&);
	bool IsValid() const;
	void Reset();
	T* Get() const;
	T* operator->() const;
	T& operator*() const;
	bool operator==(const TSharedPtr&) const;
};
template <typename T, typename... A>
TSharedRef<T> MakeShared(A&&... Arguments)
{
	return TSharedRef<T>(new T(std::forward<A>(Arguments)...));
}
template <typename T> TSharedRef<T> MakeShareable(T*);

template <typename T>
class TUniquePtr
{
public:
	TUniquePtr& operator=(TUniquePtr&&);
	bool IsValid() const;
	T* operator->() const;
};
template <typename T> TUniquePtr<T>&& StubUnique();
template <typename T, typename... A>
TUniquePtr<T>&& MakeUnique(A&&... Arguments)
{
	static_cast<void>(sizeof(new T(std::forward<A>(Arguments)...)));
	return StubUnique<T>();
}

template <typename T>
class TRefCountPtr
{
public:
	TRefCountPtr& operator=(std::nullptr_t);
	bool IsValid() const;
	operator T*() const;
};

template <typename T>
struct TOptional
{
	TOptional();
	TOptional(T);
};

struct FIntPoint
{
	int32 X = 0, Y = 0;
	FIntPoint() = default;
	FIntPoint(int32, int32);
};
struct FIntRect
{
	FIntPoint Min, Max;
	int32 Width() const;
	int32 Height() const;
};
struct FVector2D
{
	double X = 0, Y = 0;
	FVector2D(double, double);
};
struct FVector
{
	double X = 0, Y = 0, Z = 0;
	FVector() = default;
	FVector(double, double, double);
	double Size() const;
	static const FVector ZeroVector;
};
struct FQuat
{
	double X = 0, Y = 0, Z = 0, W = 1;
	FVector GetRightVector() const;
	FVector GetUpVector() const;
	FVector GetForwardVector() const;
};
struct FRotator
{
	FRotator(double Pitch, double Yaw, double Roll);
	FQuat Quaternion() const;
	static const FRotator ZeroRotator;
};
struct FTransform
{
};
struct FMatrix
{
	double M[4][4];
};
struct FReversedZPerspectiveMatrix : FMatrix
{
	FReversedZPerspectiveMatrix(float HalfFov, float Width, float Height, float MinZ);
};
struct FMatrix44f
{
	float M[4][4];
};
struct FVector2f
{
	FVector2f() = default;
	FVector2f(float, float);
};
struct FVector4f
{
	FVector4f() = default;
	FVector4f(float, float, float, float);
};
struct FIntVector
{
};
struct FIntVector4
{
	FIntVector4() = default;
	FIntVector4(int32, int32, int32, int32);
};
struct FUintVector4
{
	FUintVector4() = default;
	FUintVector4(uint32, uint32, uint32, uint32);
};
struct FLinearColor
{
	FLinearColor(float, float, float, float);
};

struct FMath
{
	template <typename T> static T Max(T, T);
	template <typename T> static T Min(T, T);
	template <typename T> static T Clamp(T, T, T);
	template <typename T> static T Abs(T);
	static int32 RoundToInt(float);
	static int32 RoundToInt(double);
	static double RoundToDouble(double);
	static float DegreesToRadians(float);
};
struct FMemory
{
	static void* Memcpy(void*, const void*, SIZE_T);
	static void Memzero(void*, SIZE_T);
};
struct FCriticalSection
{
};
struct FScopeLock
{
	explicit FScopeLock(FCriticalSection*);
};

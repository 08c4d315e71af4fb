// See Core.h. Slate's declarative syntax is declared as far as the plugin writes it.
#pragma once

#include "Game.h"

struct FReply
{
	static FReply Handled();
};
enum class ECheckBoxState : uint8 { Unchecked, Checked };
namespace ESelectInfo
{
enum Type { Direct };
}
namespace ETextCommit
{
enum Type { Default };
}

class SWidget
{
};
// SNew(Type).Argument(...)[...]: each argument gives the arguments back, which a reference can be made of.
#define SNew(Type, ...) typename Type::FArguments()
#define STUB_ARGUMENT(Name, ValueType) FArguments& Name(ValueType);
#define STUB_CALLBACK(Name, Signature) FArguments& Name(std::function<Signature>);
#define STUB_WIDGET(Type) \
	operator TSharedRef<Type>() const; \
	operator TSharedRef<SWidget>() const;

class STextBlock : public SWidget
{
public:
	struct FArguments
	{
		STUB_ARGUMENT(AutoWrapText, bool)
		STUB_ARGUMENT(Text, const FText&)
		STUB_ARGUMENT(ToolTipText, const FText&)
		STUB_CALLBACK(Text_Lambda, FText())
		STUB_WIDGET(STextBlock)
	};
};
class SButton : public SWidget
{
public:
	struct FArguments
	{
		STUB_ARGUMENT(Text, const FText&)
		STUB_ARGUMENT(ToolTipText, const FText&)
		STUB_CALLBACK(Text_Lambda, FText())
		STUB_CALLBACK(OnClicked_Lambda, FReply())
		STUB_WIDGET(SButton)
	};
};
class SHorizontalBox : public SWidget
{
public:
	struct FSlotArguments
	{
		FSlotArguments& AutoWidth();
		FSlotArguments& operator[](const TSharedRef<SWidget>&);
	};
	struct FArguments
	{
		FArguments& operator+(FSlotArguments&);
		STUB_WIDGET(SHorizontalBox)
	};
	static FSlotArguments& Slot();
	FSlotArguments& AddSlot();
};
class SCheckBox : public SWidget
{
public:
	struct FArguments
	{
		STUB_CALLBACK(IsChecked_Lambda, ECheckBoxState())
		STUB_CALLBACK(OnCheckStateChanged_Lambda, void(ECheckBoxState))
		STUB_WIDGET(SCheckBox)
	};
};
class SEditableTextBox : public SWidget
{
public:
	struct FArguments
	{
		STUB_CALLBACK(Text_Lambda, FText())
		STUB_CALLBACK(OnTextCommitted_Lambda, void(const FText&, ETextCommit::Type))
		STUB_WIDGET(SEditableTextBox)
	};
};
class STextComboBox : public SWidget
{
public:
	struct FArguments
	{
		STUB_ARGUMENT(OptionsSource, TArray<TSharedPtr<FString>>*)
		STUB_ARGUMENT(InitiallySelectedItem, TSharedPtr<FString>)
		STUB_CALLBACK(IsEnabled_Lambda, bool())
		STUB_CALLBACK(OnSelectionChanged_Lambda, void(TSharedPtr<FString>, ESelectInfo::Type))
		STUB_WIDGET(STextComboBox)
	};
};
template <typename N>
class SNumericEntryBox : public SWidget
{
public:
	struct FArguments
	{
		STUB_ARGUMENT(AllowSpin, bool)
		STUB_ARGUMENT(MinValue, TOptional<N>)
		STUB_ARGUMENT(MaxValue, TOptional<N>)
		STUB_ARGUMENT(MinSliderValue, TOptional<N>)
		STUB_ARGUMENT(MaxSliderValue, TOptional<N>)
		STUB_ARGUMENT(Delta, N)
		STUB_CALLBACK(Value_Lambda, TOptional<N>())
		STUB_CALLBACK(OnValueChanged_Lambda, void(N))
		STUB_CALLBACK(OnValueCommitted_Lambda, void(N, ETextCommit::Type))
		STUB_WIDGET(SNumericEntryBox)
	};
};

struct FDetailContent
{
	struct FDetailWidgetRow& operator[](const TSharedRef<SWidget>&);
};
struct FDetailWidgetRow
{
	FDetailContent& WholeRowContent();
	FDetailContent& NameContent();
	FDetailContent& ValueContent();
};
class IDetailCategoryBuilder
{
public:
	FDetailWidgetRow& AddCustomRow(const FText& Filter, bool bForAdvanced = false);
};
namespace ECategoryPriority
{
enum Type { Important, Default };
}
class IPropertyUtilities
{
public:
	void RequestForceRefresh();
};
class IDetailLayoutBuilder
{
public:
	void GetObjectsBeingCustomized(TArray<TWeakObjectPtr<UObject>>&) const;
	IDetailCategoryBuilder& EditCategory(FName, const FText&, ECategoryPriority::Type);
	TSharedRef<IPropertyUtilities> GetPropertyUtilities();
};
class IDetailCustomization
{
public:
	virtual ~IDetailCustomization() = default;
	virtual void CustomizeDetails(IDetailLayoutBuilder&) = 0;
};
struct FOnGetDetailCustomizationInstance
{
	static FOnGetDetailCustomizationInstance CreateLambda(std::function<TSharedRef<IDetailCustomization>()>);
};
class FPropertyEditorModule : public IModuleInterface
{
public:
	void RegisterCustomClassLayout(FName, FOnGetDetailCustomizationInstance);
	void UnregisterCustomClassLayout(FName);
};
struct FScopedTransaction
{
	explicit FScopedTransaction(const FText&);
};
struct UEditorEngine : UEngine
{
	UWorld* PlayWorld;
};
extern UEditorEngine* GEditor;
namespace EditorUtilities
{
AActor* GetSimWorldCounterpartActor(AActor*);
}

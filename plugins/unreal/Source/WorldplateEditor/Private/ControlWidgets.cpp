#include "ControlWidgets.h"

#include "DetailCategoryBuilder.h"
#include "DetailWidgetRow.h"
#include "ScopedTransaction.h"
#include "Widgets/Input/SCheckBox.h"
#include "Widgets/Input/SEditableTextBox.h"
#include "Widgets/Input/SNumericEntryBox.h"
#include "Widgets/Input/STextComboBox.h"
#include "Widgets/Text/STextBlock.h"

#define LOCTEXT_NAMESPACE "Worldplate"

namespace Worldplate
{
namespace
{
// What a row needs, held by its widget.
struct FControlField
{
	FWorldplateControl Control;
	TFunction<UWorldplateStreamComponent*()> Running;
	TWeakObjectPtr<UWorldplateStreamComponent> Edited;
	TArray<TSharedPtr<FString>> Choices;

	double Number() const
	{
		const FWorldplateControlValue* Set = Edited.IsValid() ? Edited->FindControlValue(Control.Name) : nullptr;
		return Set != nullptr ? Set->Number : Control.DefaultNumber;
	}

	FString Text() const
	{
		const FWorldplateControlValue* Set = Edited.IsValid() ? Edited->FindControlValue(Control.Name) : nullptr;
		return Set != nullptr ? Set->Text : Control.DefaultText;
	}

	template <typename FSet>
	void Set(FSet&& OnOne) const
	{
		if (!Edited.IsValid())
		{
			return;
		}
		const FScopedTransaction Transaction(LOCTEXT("ChangeControl", "Change control"));
		Edited->Modify();
		OnOne(*Edited);
		UWorldplateStreamComponent* Played = Running();
		if (Played != nullptr && Played != Edited.Get())
		{
			OnOne(*Played);
		}
	}

	// While a number is dragged: seen at once, and not yet kept.
	void TryNumber(double Value) const
	{
		UWorldplateStreamComponent* Played = Running();
		if (Played != nullptr && Played != Edited.Get())
		{
			Played->SetNumberControl(Control.Name, Rounded(Value));
		}
	}

	double Rounded(double Value) const
	{
		return Control.Type == EWorldplateControlType::Integer ? FMath::RoundToDouble(Value) : Value;
	}

	void SetNumber(double Value) const
	{
		Set([this, Value](UWorldplateStreamComponent& Stream) { Stream.SetNumberControl(Control.Name, Value); });
	}

	void SetText(const FString& Value) const
	{
		Set([this, &Value](UWorldplateStreamComponent& Stream) { Stream.SetTextControl(Control.Name, Value); });
	}
};

TSharedRef<SWidget> NumberWidget(TSharedRef<FControlField> Field)
{
	return SNew(SNumericEntryBox<double>)
		.AllowSpin(true)
		.MinValue(Field->Control.Minimum)
		.MaxValue(Field->Control.Maximum)
		.MinSliderValue(Field->Control.Minimum)
		.MaxSliderValue(Field->Control.Maximum)
		.Delta(Field->Control.Type == EWorldplateControlType::Integer ? 1.0 : Field->Control.Step)
		.Value_Lambda([Field] { return TOptional<double>(Field->Number()); })
		.OnValueChanged_Lambda([Field](double Value) { Field->TryNumber(Value); })
		.OnValueCommitted_Lambda([Field](double Value, ETextCommit::Type) { Field->SetNumber(Field->Rounded(Value)); });
}

TSharedRef<SWidget> ToggleWidget(TSharedRef<FControlField> Field)
{
	return SNew(SCheckBox)
		.IsChecked_Lambda([Field] { return Field->Number() != 0.0 ? ECheckBoxState::Checked : ECheckBoxState::Unchecked; })
		.OnCheckStateChanged_Lambda([Field](ECheckBoxState State) { Field->SetNumber(State == ECheckBoxState::Checked ? 1.0 : 0.0); });
}

TSharedRef<SWidget> ChoiceWidget(TSharedRef<FControlField> Field)
{
	TSharedPtr<FString> Now;
	for (const FString& Choice : Field->Control.Choices)
	{
		Field->Choices.Add(MakeShared<FString>(Choice));
		Now = Choice == Field->Text() ? Field->Choices.Last() : Now;
	}
	return SNew(STextComboBox)
		.OptionsSource(&Field->Choices)
		.InitiallySelectedItem(Now)
		.OnSelectionChanged_Lambda([Field](TSharedPtr<FString> Choice, ESelectInfo::Type) {
			if (Choice.IsValid())
			{
				Field->SetText(*Choice);
			}
		});
}

TSharedRef<SWidget> TextWidget(TSharedRef<FControlField> Field)
{
	return SNew(SEditableTextBox)
		.Text_Lambda([Field] { return FText::FromString(Field->Text()); })
		.OnTextCommitted_Lambda([Field](const FText& Text, ETextCommit::Type) { Field->SetText(Text.ToString()); });
}

TSharedRef<SWidget> WidgetOf(TSharedRef<FControlField> Field)
{
	switch (Field->Control.Type)
	{
	case EWorldplateControlType::Toggle:
		return ToggleWidget(Field);
	case EWorldplateControlType::Choice:
		return ChoiceWidget(Field);
	case EWorldplateControlType::Text:
		return TextWidget(Field);
	default:
		return NumberWidget(Field);
	}
}

// What the row of the models needs, held by its widgets.
struct FModelField
{
	TFunction<UWorldplateStreamComponent*()> Running;
	TArray<TSharedPtr<FString>> Models;
	FString Wrong;

	FWorldplateStatus Status() const
	{
		const UWorldplateStreamComponent* Stream = Running();
		return Stream != nullptr ? Stream->GetStatus() : FWorldplateStatus();
	}

	void Use(const FString& Model)
	{
		UWorldplateStreamComponent* Stream = Running();
		Wrong = Stream != nullptr && Model != Status().Model ? Stream->UseModel(Model) : FString();
	}

	FText Text() const { return FText::FromString(Wrong.IsEmpty() ? Status().ModelChange : Wrong); }
};

TSharedRef<SWidget> ModelWidget(TSharedRef<FModelField> Field)
{
	TSharedPtr<FString> Now;
	const UWorldplateStreamComponent* Stream = Field->Running();
	for (const FString& Model : Stream != nullptr ? Stream->GetModels() : TArray<FString>())
	{
		Field->Models.Add(MakeShared<FString>(Model));
		Now = Model == Field->Status().Model ? Field->Models.Last() : Now;
	}
	return SNew(STextComboBox)
		.OptionsSource(&Field->Models)
		.InitiallySelectedItem(Now)
		.IsEnabled_Lambda([Field] { return Field->Status().bAttached && !Field->Status().bModelLoading; })
		.OnSelectionChanged_Lambda([Field](TSharedPtr<FString> Model, ESelectInfo::Type) {
			if (Model.IsValid())
			{
				Field->Use(*Model);
			}
		});
}
}  // namespace

void AddControlRow(
	IDetailCategoryBuilder& Category, const FWorldplateControl& Control, TFunction<UWorldplateStreamComponent*()> Running,
	TWeakObjectPtr<UWorldplateStreamComponent> Edited)
{
	const TSharedRef<FControlField> Field = MakeShared<FControlField>();
	Field->Control = Control;
	Field->Running = MoveTemp(Running);
	Field->Edited = Edited;
	const FString Label = Control.Unit.IsEmpty() ? Control.Name : FString::Printf(TEXT("%s (%s)"), *Control.Name, *Control.Unit);
	Category.AddCustomRow(FText::FromString(Control.Name))
		.NameContent()[SNew(STextBlock).Text(FText::FromString(Label)).ToolTipText(FText::FromString(Control.Text))]
		.ValueContent()[WidgetOf(Field)];
}

void AddModelRow(IDetailCategoryBuilder& Category, TFunction<UWorldplateStreamComponent*()> Running)
{
	const TSharedRef<FModelField> Field = MakeShared<FModelField>();
	Field->Running = MoveTemp(Running);
	const FText Hint = LOCTEXT("ModelTip", "For every engine of this renderer. Plates are of the model before until the new one is ready.");
	Category.AddCustomRow(LOCTEXT("Model", "Model"))
		.NameContent()[SNew(STextBlock).Text(LOCTEXT("Model", "Model")).ToolTipText(Hint)]
		.ValueContent()[ModelWidget(Field)];
	Category.AddCustomRow(LOCTEXT("ModelChange", "Change of the model"))
		.WholeRowContent()[SNew(STextBlock).AutoWrapText(true).Text_Lambda([Field] { return Field->Text(); })];
}
}  // namespace Worldplate

#undef LOCTEXT_NAMESPACE

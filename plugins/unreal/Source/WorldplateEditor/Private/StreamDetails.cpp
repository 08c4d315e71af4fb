#include "StreamDetails.h"

#include "ControlWidgets.h"
#include "DetailCategoryBuilder.h"
#include "DetailLayoutBuilder.h"
#include "DetailWidgetRow.h"
#include "Editor.h"
#include "GameFramework/Actor.h"
#include "IPropertyUtilities.h"
#include "ProjectFixes.h"
#include "Widgets/Input/SButton.h"
#include "Widgets/SBoxPanel.h"
#include "Widgets/Text/STextBlock.h"

#define LOCTEXT_NAMESPACE "Worldplate"

namespace Worldplate
{
namespace
{
constexpr double LookS = 0.1;

FReply Done()
{
	return FReply::Handled();
}
}  // namespace

void FStreamDetails::CustomizeDetails(IDetailLayoutBuilder& Builder)
{
	TArray<TWeakObjectPtr<UObject>> Objects;
	Builder.GetObjectsBeingCustomized(Objects);
	Edited = Objects.Num() == 1 ? Cast<UWorldplateStreamComponent>(Objects[0].Get()) : nullptr;
	if (!Edited.IsValid())
	{
		return;
	}
	IDetailCategoryBuilder& Category = Builder.EditCategory(TEXT("Worldplate"), LOCTEXT("Stream", "Worldplate"), ECategoryPriority::Important);
	AddState(Category);
	AddButtons(Category);
	AddProject(Builder);
	AddControls(Builder);
	AddFigures(Builder);
}

void FStreamDetails::AddState(IDetailCategoryBuilder& Category)
{
	Category.AddCustomRow(LOCTEXT("State", "State"))
		.WholeRowContent()[SNew(STextBlock).AutoWrapText(true).Text_Lambda([this] { return StateText(); })];
}

FText FStreamDetails::StateText()
{
	TickSelfTest();
	const UWorldplateStreamComponent* Now = Stream();
	if (Now == nullptr || Now == Edited.Get())
	{
		return FText::FromString(TEXT("Play: plates are shown over the player's picture.\n") + Wrong);
	}
	const FWorldplateStatus Status = Now->GetStatus();
	return FText::FromString(Status.Headline + TEXT("\n") + Status.Next + TEXT("\n") + Wrong);
}

void FStreamDetails::AddButtons(IDetailCategoryBuilder& Category)
{
	Category.AddCustomRow(LOCTEXT("Renderer", "Renderer"))
		.WholeRowContent()
			[SNew(SHorizontalBox)
				+ SHorizontalBox::Slot().AutoWidth()[SNew(SButton)
					.Text_Lambda([this] { return Renderer->IsRunning() ? LOCTEXT("StopRenderer", "Stop renderer") : LOCTEXT("StartRenderer", "Start renderer"); })
					.OnClicked_Lambda([this] {
						Wrong.Reset();
						if (Renderer->IsRunning())
						{
							Renderer->Stop();
						}
						else
						{
							Wrong = Renderer->Start();
						}
						return Done();
					})]
				+ SHorizontalBox::Slot().AutoWidth()[SNew(SButton)
					.Text(LOCTEXT("SelfTest", "Self-test"))
					.ToolTipText(LOCTEXT("SelfTestTip", "Draws a known scene while the game is played, and judges what is captured of it."))
					.OnClicked_Lambda([this] {
						SelfTest = MakeUnique<FWorldplateSelfTest>(Stream() != nullptr ? Stream()->GetWorld() : nullptr);
						return Done();
					})]
				+ SHorizontalBox::Slot().AutoWidth()[SNew(SButton)
					.Text(LOCTEXT("ResetWorld", "Reset world"))
					.OnClicked_Lambda([this] {
						Wrong = Stream() != nullptr ? Stream()->ResetWorld() : FString();
						return Done();
					})]];
	Category.AddCustomRow(LOCTEXT("SelfTestResult", "Self-test"))
		.WholeRowContent()[SNew(STextBlock).AutoWrapText(true).Text_Lambda([this] {
			return FText::FromString(SelfTest.IsValid() ? SelfTest->GetText() : FString());
		})];
}

void FStreamDetails::TickSelfTest()
{
	const double NowS = FPlatformTime::Seconds();
	if (SelfTest.IsValid() && NowS >= LookAtS)
	{
		LookAtS = NowS + LookS;
		SelfTest->Tick();
	}
}

void FStreamDetails::AddProject(IDetailLayoutBuilder& Builder)
{
	IDetailCategoryBuilder& Category = Builder.EditCategory(TEXT("Worldplate|Project"), LOCTEXT("Project", "Project settings"), ECategoryPriority::Important);
	for (const FProjectFix& Fix : ProjectFixes())
	{
		const TSharedRef<SHorizontalBox> Row = SNew(SHorizontalBox)
			+ SHorizontalBox::Slot()[SNew(STextBlock).AutoWrapText(true).Text(FText::FromString(Fix.Trouble))];
		if (Fix.CanBeDone())
		{
			Row->AddSlot().AutoWidth()[SNew(SButton).Text(LOCTEXT("Fix", "Fix")).OnClicked_Lambda([this, Fix] {
				Wrong = Fix.Do();
				return Done();
			})];
		}
		Category.AddCustomRow(LOCTEXT("ProjectRow", "Project")).WholeRowContent()[Row];
	}
}

FString FStreamDetails::RowsNow() const
{
	const UWorldplateStreamComponent* Now = Stream();
	if (Now == nullptr)
	{
		return FString();
	}
	const FWorldplateStatus Status = Now->GetStatus();
	FString Rows = FString::Printf(TEXT("%s %d %s"), *Status.Model, Now->GetControls().Num(), *Status.ModelChange);
	for (const FString& Model : Now->GetModels())
	{
		Rows = FString::Printf(TEXT("%s %s"), *Rows, *Model);
	}
	return Rows;
}

// The renderer's models and the serving one's controls, as it declares them; they are built anew when another renderer has
// come, or another model.
void FStreamDetails::AddControls(IDetailLayoutBuilder& Builder)
{
	IDetailCategoryBuilder& Category = Builder.EditCategory(TEXT("Worldplate|Controls"), LOCTEXT("Controls", "Controls of the model"), ECategoryPriority::Important);
	const TArray<FWorldplateControl> Controls = Stream() != nullptr ? Stream()->GetControls() : TArray<FWorldplateControl>();
	Shown = RowsNow();
	if (Stream() != nullptr && !Stream()->GetModels().IsEmpty())
	{
		AddModelRow(Category, [this] { return Stream(); });
	}
	for (const FWorldplateControl& Control : Controls)
	{
		AddControlRow(Category, Control, [this] { return Stream(); }, Edited);
	}
	const TSharedRef<IPropertyUtilities> Panel = Builder.GetPropertyUtilities();
	Category.AddCustomRow(LOCTEXT("ControlsHint", "Controls"))
		.WholeRowContent()[SNew(STextBlock).AutoWrapText(true).Text_Lambda([this, Panel] {
			const FString Now = RowsNow();
			if (Now != Shown)
			{
				Shown = Now;
				Panel->RequestForceRefresh();
			}
			return Stream() != nullptr && !Stream()->GetControls().IsEmpty() ? FText::GetEmpty() : LOCTEXT("NoControls", "The model's own appear when a renderer has taken this stream.");
		})];
}

void FStreamDetails::AddFigures(IDetailLayoutBuilder& Builder)
{
	IDetailCategoryBuilder& Category = Builder.EditCategory(TEXT("Worldplate|Figures"), LOCTEXT("Figures", "Figures"), ECategoryPriority::Default);
	Category.AddCustomRow(LOCTEXT("FiguresRow", "Figures"))
		.WholeRowContent()[SNew(STextBlock).AutoWrapText(true).Text_Lambda([this] {
			const UWorldplateStreamComponent* Now = Stream();
			const FWorldplateStatus Status = Now != nullptr ? Now->GetStatus() : FWorldplateStatus();
			const TArray<FString> Log = Now != nullptr ? Now->GetLog() : TArray<FString>();
			return FText::FromString(FString::Printf(
				TEXT("%s on %s\n%.1f plates per second\nframe age p50 %.0f ms, p95 %.0f ms\n%s\ngenerated %lld, reprojected %lld, passthrough %lld, dropped %lld\n%s"),
				*Status.Model, *Status.Runtime, Status.PlatesPerSecond, Status.AgeP50Ms, Status.AgeP95Ms, *Status.Transport,
				Status.Generated, Status.Reprojected, Status.Passthrough, Status.Dropped, Log.IsEmpty() ? TEXT("") : *Log.Last()));
		})];
}

UWorldplateStreamComponent* FStreamDetails::Stream() const
{
	AActor* Actor = Edited.IsValid() ? Edited->GetOwner() : nullptr;
	AActor* Played = Actor != nullptr && GEditor != nullptr && GEditor->PlayWorld != nullptr ? EditorUtilities::GetSimWorldCounterpartActor(Actor) : nullptr;
	UWorldplateStreamComponent* Found = Played != nullptr ? Played->FindComponentByClass<UWorldplateStreamComponent>() : nullptr;
	return Found != nullptr ? Found : Edited.Get();
}
}  // namespace Worldplate

#undef LOCTEXT_NAMESPACE

#pragma once

#include "IDetailCustomization.h"
#include "RendererProcess.h"
#include "UObject/WeakObjectPtr.h"
#include "WorldplateSelfTest.h"
#include "WorldplateStreamComponent.h"

class IDetailCategoryBuilder;
class IDetailLayoutBuilder;

namespace Worldplate
{
// The stream's panel: state in words, renderer, self-test, what the project lacks, the renderer's models, the model's controls, figures.
class FStreamDetails final : public IDetailCustomization
{
public:
	explicit FStreamDetails(TSharedRef<FRendererProcess> InRenderer) : Renderer(MoveTemp(InRenderer)) {}

	virtual void CustomizeDetails(IDetailLayoutBuilder& Builder) override;

private:
	void AddState(IDetailCategoryBuilder& Category);
	void AddButtons(IDetailCategoryBuilder& Category);
	void AddProject(IDetailLayoutBuilder& Builder);
	void AddControls(IDetailLayoutBuilder& Builder);
	void AddFigures(IDetailLayoutBuilder& Builder);
	void TickSelfTest();
	FText StateText();

	// What the rows of models and controls are made from.
	FString RowsNow() const;

	// The one that runs while the game is played in the editor, else the edited one.
	UWorldplateStreamComponent* Stream() const;

	TWeakObjectPtr<UWorldplateStreamComponent> Edited;
	TSharedRef<FRendererProcess> Renderer;
	TUniquePtr<FWorldplateSelfTest> SelfTest;
	FString Wrong;
	double LookAtS = 0.0;
	FString Shown;
};
}  // namespace Worldplate

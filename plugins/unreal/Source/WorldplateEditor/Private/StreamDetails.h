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
// The stream's panel: state in words, renderer, self-test, what the project lacks, the model's controls, figures.
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

	// The one that runs while the game is played in the editor, else the edited one.
	UWorldplateStreamComponent* Stream() const;

	TWeakObjectPtr<UWorldplateStreamComponent> Edited;
	TSharedRef<FRendererProcess> Renderer;
	TUniquePtr<FWorldplateSelfTest> SelfTest;
	FString Wrong;
	double LookAtS = 0.0;
	int32 ControlsShown = 0;
};
}  // namespace Worldplate

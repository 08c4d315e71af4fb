#include "Modules/ModuleManager.h"
#include "PropertyEditorModule.h"
#include "StreamDetails.h"

class FWorldplateEditorModule final : public IModuleInterface
{
public:
	virtual void StartupModule() override
	{
		FPropertyEditorModule& Editor = FModuleManager::LoadModuleChecked<FPropertyEditorModule>(TEXT("PropertyEditor"));
		const TSharedRef<Worldplate::FRendererProcess> Renderer = MakeShared<Worldplate::FRendererProcess>();
		Editor.RegisterCustomClassLayout(
			UWorldplateStreamComponent::StaticClass()->GetFName(),
			FOnGetDetailCustomizationInstance::CreateLambda([Renderer]() -> TSharedRef<IDetailCustomization> {
				return MakeShared<Worldplate::FStreamDetails>(Renderer);
			}));
	}

	virtual void ShutdownModule() override
	{
		if (FPropertyEditorModule* Editor = FModuleManager::GetModulePtr<FPropertyEditorModule>(TEXT("PropertyEditor")))
		{
			Editor->UnregisterCustomClassLayout(TEXT("WorldplateStreamComponent"));
		}
	}
};

IMPLEMENT_MODULE(FWorldplateEditorModule, WorldplateEditor)

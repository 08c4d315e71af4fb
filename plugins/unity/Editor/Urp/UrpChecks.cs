#nullable enable
using System.Collections.Generic;
using UnityEditor;
using UnityEngine;
using UnityEngine.Rendering;
using UnityEngine.Rendering.Universal;
using Worldplate.Editor;

namespace Worldplate.Urp.Editor
{
    /// <summary>What URP has to be told.</summary>
    public sealed class UrpChecks : IChecks
    {
        public IEnumerable<Check> All()
        {
            yield return new Check("Worldplate in the URP renderer", FindFeatureTrouble, "Add the renderer feature", AddFeature);
            yield return new Check("Depth texture", FindDepthTrouble, "Turn it on", TurnDepthOn);
        }

        static UniversalRenderPipelineAsset? Asset => GraphicsSettings.currentRenderPipeline as UniversalRenderPipelineAsset;

        static string FindFeatureTrouble()
        {
            if (Asset == null)
            {
                return "";
            }
            foreach (ScriptableRendererData data in Asset.rendererDataList)
            {
                if (data != null && !data.rendererFeatures.Exists(feature => feature is WorldplateUrpFeature))
                {
                    return data.name + " lacks it: without it nothing is captured. It also has URP draw motion vectors and normals.";
                }
            }
            return "";
        }

        static void AddFeature()
        {
            foreach (ScriptableRendererData data in Asset!.rendererDataList)
            {
                if (data == null || data.rendererFeatures.Exists(each => each is WorldplateUrpFeature))
                {
                    continue;
                }
                WorldplateUrpFeature feature = ScriptableObject.CreateInstance<WorldplateUrpFeature>();
                feature.name = "Worldplate";
                Undo.RegisterCreatedObjectUndo(feature, "Add Worldplate");
                AssetDatabase.AddObjectToAsset(feature, data);
                data.rendererFeatures.Add(feature);
                EditorUtility.SetDirty(data);
            }
            AssetDatabase.SaveAssets();
        }

        static string FindDepthTrouble() =>
            Asset != null && !Asset.supportsCameraDepthTexture ? "it is off in " + Asset.name + "; other features may read it." : "";

        static void TurnDepthOn()
        {
            Undo.RecordObject(Asset!, "Depth texture on");
            Asset!.supportsCameraDepthTexture = true;
            EditorUtility.SetDirty(Asset);
        }
    }
}

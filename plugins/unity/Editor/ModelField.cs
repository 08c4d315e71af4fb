#nullable enable
using UnityEditor;
using UnityEngine;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Editor
{
    /// <summary>The renderer's models as a list, with what becomes of the one that is chosen.</summary>
    static class ModelField
    {
        const string Hint = "For every engine of this renderer. Plates are of the model before until the new one is ready.";

        public static void Draw(WorldplateStream stream, LinkStatus status)
        {
            if (stream.Models.Count == 0)
            {
                return; // the renderer keeps its model: its name stands with the figures
            }
            ModelChange? change = stream.ModelChange;
            bool loading = change != null && change.IsLoading;
            using (new EditorGUI.DisabledScope(loading || status.State != WpLinkState.Attached))
            {
                EditorGUI.BeginChangeCheck();
                int now = stream.Models.IndexOf(status.Model);
                int chosen = EditorGUILayout.Popup(new GUIContent("Model", Hint), now, stream.Models.ToArray());
                if (EditorGUI.EndChangeCheck() && chosen >= 0)
                {
                    Ask(stream, stream.Models[chosen]);
                }
            }
            if (change != null && change.Words.Length > 0)
            {
                EditorGUILayout.HelpBox(change.Words, loading ? MessageType.Info : MessageType.Error);
            }
        }

        static void Ask(WorldplateStream stream, string model)
        {
            string wrong = stream.UseModel(model);
            if (wrong.Length > 0)
            {
                Debug.LogWarning("Worldplate: " + wrong, stream);
            }
        }
    }
}

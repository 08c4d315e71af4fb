#nullable enable
using UnityEditor;
using UnityEngine;

namespace Worldplate.Editor
{
    /// <summary>Start and stop of the renderer, and what it said last.</summary>
    static class RendererButtons
    {
        public static void Draw()
        {
            bool running = RendererProcess.IsRunning;
            if (GUILayout.Button(running ? "Stop renderer" : "Start renderer"))
            {
                string wrong = "";
                if (running)
                {
                    RendererProcess.Stop();
                }
                else
                {
                    wrong = RendererProcess.Start();
                }
                if (wrong.Length > 0)
                {
                    EditorUtility.DisplayDialog("Worldplate", wrong, "OK");
                }
            }
            string command = EditorGUILayout.DelayedTextField("Command", RendererProcess.Command);
            if (command != RendererProcess.Command)
            {
                RendererProcess.Command = command;
            }
            if (running)
            {
                EditorGUILayout.LabelField(RendererProcess.LastLine(), EditorStyles.wordWrappedMiniLabel);
            }
        }
    }
}

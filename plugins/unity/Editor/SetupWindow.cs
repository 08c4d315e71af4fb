#nullable enable
using System;
using System.Collections.Generic;
using UnityEditor;
using UnityEngine;
using Worldplate.Internal;

namespace Worldplate.Editor
{
    /// <summary>Window > Worldplate: what this project needs, each with its one-click fix, and the self-test.</summary>
    public sealed class SetupWindow : EditorWindow
    {
        readonly List<Check> _checks = new List<Check>();
        SelfTest? _test;
        Vector2 _scroll;

        [MenuItem("Window/Worldplate")]
        public static void Open() => GetWindow<SetupWindow>("Worldplate");

        void OnEnable()
        {
            _checks.Clear();
            foreach (Type type in TypeCache.GetTypesDerivedFrom<IChecks>())
            {
                _checks.AddRange(((IChecks)Activator.CreateInstance(type)).All());
            }
        }

        void OnDisable() => _test?.Dispose();

        void OnInspectorUpdate()
        {
            _test?.Update();
            Repaint();
        }

        void OnGUI()
        {
            _scroll = EditorGUILayout.BeginScrollView(_scroll);
            EditorGUILayout.LabelField("Project", EditorStyles.boldLabel);
            foreach (Check check in _checks)
            {
                Draw(check);
            }
            EditorGUILayout.Space();
            EditorGUILayout.LabelField("Renderer", EditorStyles.boldLabel);
            RendererButtons.Draw();
            EditorGUILayout.Space();
            EditorGUILayout.LabelField("Self-test", EditorStyles.boldLabel);
            EditorGUILayout.LabelField("Draws a known scene on this graphics card and holds its planes to a pinhole's.", EditorStyles.wordWrappedLabel);
            if (GUILayout.Button("Run self-test"))
            {
                _test?.Dispose();
                _test = new SelfTest();
            }
            if (_test != null)
            {
                EditorGUILayout.HelpBox(_test.Text, _test.IsGood ? MessageType.Info : MessageType.Warning);
            }
            EditorGUILayout.EndScrollView();
        }

        static void Draw(Check check)
        {
            string trouble = check.Trouble();
            if (trouble.Length == 0)
            {
                EditorGUILayout.LabelField("✓  " + check.Text);
                return;
            }
            EditorGUILayout.HelpBox(check.Text + ": " + trouble, MessageType.Warning);
            if (check.Fix != null && GUILayout.Button(check.FixText))
            {
                check.Fix();
            }
        }
    }

    /// <summary>What holds for every pipeline.</summary>
    public sealed class ProjectChecks : IChecks
    {
        public IEnumerable<Check> All()
        {
            yield return new Check("URP or HDRP", () => Requirements.PipelineName().Length > 0 ? "" : Requirements.BuiltIn);
            yield return new Check(
                "Graphics API", Requirements.FindApiTrouble, "Use Vulkan on Linux (restarts the editor)", UseVulkan);
            yield return new Check("Native library", FindLibraryTrouble);
        }

        static string FindLibraryTrouble()
        {
            try
            {
                return Link.NowNs > 0 ? "" : Requirements.NoLibrary;
            }
            catch (DllNotFoundException)
            {
                return Requirements.NoLibrary;
            }
        }

        static void UseVulkan()
        {
            PlayerSettings.SetUseDefaultGraphicsAPIs(BuildTarget.StandaloneLinux64, false);
            PlayerSettings.SetGraphicsAPIs(BuildTarget.StandaloneLinux64, new[] { UnityEngine.Rendering.GraphicsDeviceType.Vulkan });
            EditorApplication.OpenProject(System.IO.Path.GetDirectoryName(Application.dataPath)!);
        }
    }
}

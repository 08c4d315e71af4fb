// What the plugin uses of UnityEditor, declared for a compiler. See Engine.cs.
#nullable disable
#pragma warning disable CS0067, CS0169, CS0649
using System;
using System.Collections.Generic;
using UnityEngine;
using UnityEngine.Rendering;

namespace UnityEngine
{
    public class GUIContent { public GUIContent(string text, string tooltip) => throw null; }
    public class GUIStyle { }
    public class GUILayoutOption { }

    public static class GUILayout { public static bool Button(string text, params GUILayoutOption[] options) => throw null; }
    public static class GUILayoutUtility { public static Rect GetRect(float width, float height) => throw null; }
}

namespace UnityEditor
{
    public enum MessageType { None, Info, Warning, Error }
    public enum BuildTarget { StandaloneLinux64 = 24 }

    [AttributeUsage(AttributeTargets.Class)] public sealed class CustomEditor : Attribute { public CustomEditor(Type inspectedType) { } }
    [AttributeUsage(AttributeTargets.Method)] public sealed class MenuItem : Attribute { public MenuItem(string itemName) { } }
    [AttributeUsage(AttributeTargets.Method)] public class InitializeOnLoadMethodAttribute : Attribute { }

    public class Editor : ScriptableObject
    {
        public UnityEngine.Object target { get; set; }
        public bool DrawDefaultInspector() => throw null;
        public virtual void OnInspectorGUI() => throw null;
        public virtual bool RequiresConstantRepaint() => throw null;
    }

    public class EditorWindow : ScriptableObject
    {
        public static T GetWindow<T>(string title) where T : EditorWindow => throw null;
        public void Repaint() => throw null;
    }

    public static class EditorStyles
    {
        public static GUIStyle boldLabel => throw null;
        public static GUIStyle miniLabel => throw null;
        public static GUIStyle wordWrappedLabel => throw null;
        public static GUIStyle wordWrappedMiniLabel => throw null;
    }

    public static class EditorGUI
    {
        public static void BeginChangeCheck() => throw null;
        public static bool EndChangeCheck() => throw null;
        public static void DrawPreviewTexture(Rect position, Texture image) => throw null;

        public struct DisabledScope : IDisposable
        {
            public DisabledScope(bool disabled) => throw null;
            public void Dispose() => throw null;
        }
    }

    public static class EditorGUILayout
    {
        public static void Space() => throw null;
        public static void LabelField(string label, params GUILayoutOption[] options) => throw null;
        public static void LabelField(string label, GUIStyle style, params GUILayoutOption[] options) => throw null;
        public static void LabelField(string label, string label2, params GUILayoutOption[] options) => throw null;
        public static void HelpBox(string message, MessageType type) => throw null;
        public static Vector2 BeginScrollView(Vector2 scrollPosition, params GUILayoutOption[] options) => throw null;
        public static void EndScrollView() => throw null;
        public static string DelayedTextField(string label, string text, params GUILayoutOption[] options) => throw null;
        public static string DelayedTextField(GUIContent label, string text, params GUILayoutOption[] options) => throw null;
        public static int Popup(GUIContent label, int selectedIndex, string[] displayedOptions, params GUILayoutOption[] options) => throw null;
        public static bool Toggle(GUIContent label, bool value, params GUILayoutOption[] options) => throw null;
        public static int IntSlider(GUIContent label, int value, int leftValue, int rightValue, params GUILayoutOption[] options) => throw null;
        public static float Slider(GUIContent label, float value, float leftValue, float rightValue, params GUILayoutOption[] options) => throw null;
    }

    public static class EditorPrefs
    {
        public static string GetString(string key, string defaultValue) => throw null;
        public static void SetString(string key, string value) => throw null;
    }

    public static class SessionState
    {
        public static int GetInt(string key, int defaultValue) => throw null;
        public static void SetInt(string key, int value) => throw null;
    }

    public static class EditorUtility
    {
        public static void SetDirty(UnityEngine.Object target) => throw null;
        public static bool DisplayDialog(string title, string message, string ok) => throw null;
    }

    public static class Undo
    {
        public static void RecordObject(UnityEngine.Object objectToUndo, string name) => throw null;
        public static void RegisterCreatedObjectUndo(UnityEngine.Object objectToUndo, string name) => throw null;
    }

    public static class AssetDatabase
    {
        public static void AddObjectToAsset(UnityEngine.Object objectToAdd, UnityEngine.Object assetObject) => throw null;
        public static void SaveAssets() => throw null;
    }

    public static class EditorApplication
    {
        public static event Action quitting;
        public static double timeSinceStartup => throw null;
        public static void OpenProject(string projectPath, params string[] args) => throw null;
    }

    public static class PlayerSettings
    {
        public static void SetUseDefaultGraphicsAPIs(BuildTarget platform, bool automatic) => throw null;
        public static void SetGraphicsAPIs(BuildTarget platform, GraphicsDeviceType[] apis) => throw null;
    }

    public static class TypeCache
    {
        public struct TypeCollection : IEnumerable<Type>
        {
            public IEnumerator<Type> GetEnumerator() => throw null;
            System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => throw null;
        }

        public static TypeCollection GetTypesDerivedFrom<T>() => throw null;
    }
}

#nullable enable
using System;
using UnityEditor;
using UnityEngine;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Editor
{
    /// <summary>The stream's panel: state in words, the renderer's models, the model's controls, figures, planes, log.</summary>
    [CustomEditor(typeof(WorldplateStream))]
    public sealed class StreamInspector : UnityEditor.Editor
    {
        readonly Thumbnails _thumbnails = new Thumbnails();

        WorldplateStream Stream => (WorldplateStream)target;

        public override bool RequiresConstantRepaint() => Application.isPlaying;

        void OnDisable() => _thumbnails.Dispose();

        public override void OnInspectorGUI()
        {
            DrawState();
            DrawDefaultInspector();
            EditorGUILayout.Space();
            if (Stream.Status != null)
            {
                ModelField.Draw(Stream, Stream.Status);
            }
            EditorGUILayout.LabelField("Controls of the model", EditorStyles.boldLabel);
            if (Stream.ControlSchemas.Count == 0)
            {
                EditorGUILayout.LabelField("The model's own appear when a renderer has taken this stream.", EditorStyles.wordWrappedMiniLabel);
            }
            foreach (ControlSchema control in Stream.ControlSchemas)
            {
                ControlFields.Draw(Stream, control);
            }
            if (Stream.Status != null)
            {
                DrawFigures(Stream.Status);
                _thumbnails.Draw(Stream);
            }
        }

        void DrawState()
        {
            if (!Application.isPlaying)
            {
                EditorGUILayout.HelpBox("Press Play: plates are shown over this camera's picture in the Game view.", MessageType.None);
                RendererButtons.Draw();
                return;
            }
            StateWords words = Stream.Words;
            MessageType type = words.Mood == Mood.Bad ? MessageType.Error : words.Mood == Mood.Waiting ? MessageType.Warning : MessageType.Info;
            EditorGUILayout.HelpBox((words.Headline + "\n" + words.Next).Trim(), type);
            if (words.Mood != Mood.Good)
            {
                RendererButtons.Draw();
            }
            if (GUILayout.Button("Reset world"))
            {
                Stream.ResetWorld();
            }
        }

        void DrawFigures(LinkStatus status)
        {
            EditorGUILayout.Space();
            EditorGUILayout.LabelField("Figures", EditorStyles.boldLabel);
            EditorGUILayout.LabelField("Model", status.Model + " on " + status.Runtime);
            EditorGUILayout.LabelField("Plates per second", status.PlatesPerS.ToString("0.0"));
            EditorGUILayout.LabelField("Frame age p50, p95", status.AgeP50Ms.ToString("0") + " ms, " + status.AgeP95Ms.ToString("0") + " ms");
            EditorGUILayout.LabelField("Transport", (status.Transport + " " + status.TransportReason).Trim());
            foreach (Disposition disposition in Enum.GetValues(typeof(Disposition)))
            {
                EditorGUILayout.LabelField("  " + disposition.ToString().ToLowerInvariant(), status.Dispositions[(int)disposition].ToString());
            }
            if (Stream.Log.Count > 0)
            {
                EditorGUILayout.LabelField(Stream.Log[Stream.Log.Count - 1], EditorStyles.wordWrappedMiniLabel);
            }
        }
    }
}

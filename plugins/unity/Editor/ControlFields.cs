#nullable enable
using System;
using UnityEditor;
using UnityEngine;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Editor
{
    /// <summary>A field for each type of control, as the model declares it: slider with its unit, box, list, text.</summary>
    static class ControlFields
    {
        public static void Draw(WorldplateStream stream, ControlSchema control)
        {
            bool known = stream.TryGetControl(control.Name, out WorldplateStream.ControlValue value);
            string unit = control.Unit.Length > 0 ? " (" + control.Unit + ")" : "";
            var label = new GUIContent(control.Name + unit, control.Text);
            EditorGUI.BeginChangeCheck();
            switch (control.Type)
            {
                case ControlType.Choice:
                case ControlType.Text:
                    string text = DrawText(label, control, known ? value.Text : control.DefaultText);
                    End(stream, () => stream.SetControl(control.Name, text, control.Type));
                    break;
                default:
                    double number = DrawNumber(label, control, known ? value.Number : control.DefaultNumber);
                    End(stream, () => stream.SetControl(control.Name, number, control.Type));
                    break;
            }
        }

        static string DrawText(GUIContent label, ControlSchema control, string now)
        {
            if (control.Type == ControlType.Text)
            {
                return EditorGUILayout.DelayedTextField(label, now);
            }
            int at = Math.Max(0, Array.IndexOf(control.Choices, now));
            return control.Choices[EditorGUILayout.Popup(label, at, control.Choices)];
        }

        static double DrawNumber(GUIContent label, ControlSchema control, double now)
        {
            if (control.Type == ControlType.Toggle)
            {
                return EditorGUILayout.Toggle(label, now != 0.0) ? 1.0 : 0.0;
            }
            if (control.Type == ControlType.Integer)
            {
                return EditorGUILayout.IntSlider(label, (int)now, (int)control.Minimum, (int)control.Maximum);
            }
            return EditorGUILayout.Slider(label, (float)now, (float)control.Minimum, (float)control.Maximum);
        }

        static void End(WorldplateStream stream, Func<string> set)
        {
            if (!EditorGUI.EndChangeCheck())
            {
                return;
            }
            Undo.RecordObject(stream, "Change control");
            string wrong = set();
            EditorUtility.SetDirty(stream);
            if (wrong.Length > 0)
            {
                Debug.LogWarning("Worldplate: " + wrong, stream);
            }
        }
    }
}

#nullable enable
using System;
using System.Collections.Generic;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>Models and controls, what stays the engine's, the world, status and log. These allocate: not for every frame.</summary>
    public sealed unsafe partial class Link
    {
        /// <summary>The model's controls; those of the last session while none is open.</summary>
        public List<ControlSchema> Controls()
        {
            var controls = new List<ControlSchema>();
            WpControl control;
            while (Native.wp_control_at(_client.Client, (uint)controls.Count, &control) == WpCode.Ok)
            {
                controls.Add(new ControlSchema(control));
            }
            return controls;
        }

        /// <summary>A number, an integer or a toggle (0 or 1), from the next frame on. Returns what is wrong, or "".</summary>
        public string SetNumber(string name, double value)
        {
            fixed (byte* key = Texts.Write(name))
            {
                return Wrong(Native.wp_set_number(_client.Client, key, value));
            }
        }

        /// <summary>A choice or a text, from the next frame on. Returns what is wrong, or "".</summary>
        public string SetText(string name, string value)
        {
            fixed (byte* key = Texts.Write(name), text = Texts.Write(value))
            {
                return Wrong(Native.wp_set_text(_client.Client, key, text));
            }
        }

        /// <summary>Things with these labels keep the engine's pixels; each call replaces the one before.</summary>
        public string SetEngineLabels(ReadOnlySpan<byte> labels)
        {
            fixed (byte* first = labels)
            {
                return Wrong(Native.wp_set_engine_labels(_client.Client, first, (uint)labels.Length));
            }
        }

        /// <summary>These objects keep the engine's pixels; each call replaces the one before.</summary>
        public string SetEngineObjects(ReadOnlySpan<uint> ids)
        {
            fixed (uint* first = ids)
            {
                return Wrong(Native.wp_set_engine_objects(_client.Client, first, (uint)ids.Length));
            }
        }

        /// <summary>What is nearer or farther keeps the engine's pixels, metres; 0 and infinity own nothing.</summary>
        public string SetPlateRange(double nearM, double farM) => Wrong(Native.wp_set_plate_range(_client.Client, nearM, farM));

        /// <summary>The renderer forgets the world; the next frame is a cut.</summary>
        public string ResetWorld() => Wrong(Native.wp_reset_world(_client.Client));

        /// <summary>Those that the renderer can change over to, and the one that serves; none where it keeps its model.</summary>
        public List<string> Models()
        {
            var models = new List<string>();
            byte* name = stackalloc byte[Native.NameBytes];
            while (Native.wp_model_at(_client.Client, (uint)models.Count, name) == WpCode.Ok)
            {
                models.Add(Texts.Read(name, Native.NameBytes));
            }
            return models;
        }

        /// <summary>Asks for another model, for every engine of the renderer; ModelChange says what becomes of it. Returns what is wrong, or "".</summary>
        public string UseModel(string name)
        {
            fixed (byte* key = Texts.Write(name))
            {
                return Wrong(Native.wp_use_model(_client.Client, key));
            }
        }

        /// <summary>What became of the last UseModel.</summary>
        public ModelChange ModelChange()
        {
            WpModelChange change;
            Check(Native.wp_get_model_change(_client.Client, &change));
            return new ModelChange(change);
        }

        public LinkStatus Status()
        {
            WpStatus status;
            Check(Native.wp_get_status(_client.Client, &status));
            return new LinkStatus(status);
        }

        /// <summary>The next line of the log, oldest first; level 0 information, 1 warning, 2 error. False: there is none.</summary>
        public bool NextLog(out string line, out int level)
        {
            byte* text = stackalloc byte[Native.TextBytes];
            int severity = 0;
            text[0] = 0;
            Check(Native.wp_next_log(_client.Client, text, &severity));
            line = Texts.Read(text);
            level = severity;
            return line.Length > 0;
        }

        private static string Wrong(WpCode code) => code == WpCode.Ok ? "" : Texts.Why(code);
    }
}

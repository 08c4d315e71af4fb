#nullable enable
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Tool
{
    /// <summary>`layout`: size of each struct of the ABI and offset of each field, as this CLR lays them out.</summary>
    internal static class Layout
    {
        public static void Print()
        {
            foreach (Type type in typeof(Native).Assembly.GetTypes())
            {
                if (!type.IsValueType || type.IsEnum || type.IsNested || !type.Name.StartsWith("Wp"))
                {
                    continue;
                }
                Console.WriteLine(type.Name + " size " + Marshal.SizeOf(type));
                foreach (System.Reflection.FieldInfo field in type.GetFields())
                {
                    Console.WriteLine(type.Name + " " + field.Name + " " + Marshal.OffsetOf(type, field.Name));
                }
            }
        }
    }

    /// <summary>`spaces`: lines of Unity's values on the standard input, canonical ones out.</summary>
    internal static unsafe class SpacesTool
    {
        public static void Run()
        {
            for (string? line = Console.ReadLine(); line != null; line = Console.ReadLine())
            {
                float[] n = Array.ConvertAll(line.Split(' '), float.Parse);
                double* to = stackalloc double[7];
                float* axes = stackalloc float[6];
                Spaces.Position(to, n[0], n[1], n[2]);
                Spaces.Orientation(to + 3, n[3], n[4], n[5], n[6]);
                Spaces.Vector(axes, n[0], n[1], n[2]);
                Spaces.AngularVelocity(axes + 3, n[0], n[1], n[2]);
                var words = new List<string>();
                for (int at = 0; at < 7; at++)
                {
                    words.Add(to[at].ToString("R"));
                }
                for (int at = 0; at < 6; at++)
                {
                    words.Add(axes[at].ToString("R"));
                }
                Console.WriteLine(string.Join(" ", words));
            }
        }
    }

    /// <summary>`frames FOLDER COUNT`: that many frames in lockstep; each plate must be its own frame's colour, bit for bit.</summary>
    internal static class Frames
    {
        public static void Run(string folder, int count)
        {
            using var stage = new Stage(folder, SyncMode.Lockstep, LatePolicy.Reproject);
            stage.Until(WpLinkState.Attached);
            int exact = 0;
            for (int number = 1; number <= count; number++)
            {
                ushort bits = (ushort)(0x3000 + number); // half floats from 0.125 on, another in each frame
                ulong id = stage.Begin(number);
                bool there = stage.Send(id, bits) && stage.Link.Wait(id, Stage.PatienceMs);
                Picture picture = stage.Link.Present();
                exact += there && picture.PlateId == id && stage.PlateIs(picture, bits) ? 1 : 0;
            }
            LinkStatus status = stage.Link.Status();
            Console.WriteLine("exact " + exact);
            Console.WriteLine("transport " + status.Transport);
            Console.WriteLine("model " + status.Model);
            Console.WriteLine("generated " + status.Dispositions[(int)Disposition.Generated]);
        }
    }

    /// <summary>`controls FOLDER`: the model's controls, then setting each of them, well and badly, and the world's reset.</summary>
    internal static class Controls
    {
        public static void Run(string folder)
        {
            using var stage = new Stage(folder, SyncMode.Freerun, LatePolicy.Reproject);
            stage.Until(WpLinkState.Attached);
            foreach (ControlSchema control in stage.Link.Controls())
            {
                string range = control.Type == ControlType.Number ? control.Minimum + ".." + control.Maximum : "";
                Console.WriteLine(control.Name + " " + control.Type + " " + range + string.Join("|", control.Choices) + " " + control.Unit);
                bool number = control.Type == ControlType.Number;
                Console.WriteLine("set " + (number ? stage.Link.SetNumber(control.Name, control.Maximum) : stage.Link.SetText(control.Name, "dusk")));
                Console.WriteLine("set " + stage.Link.SetNumber(control.Name, 1e9));
            }
            Console.WriteLine("none " + stage.Link.SetNumber("no such", 1.0));
            Console.WriteLine("labels " + stage.Link.SetEngineLabels(new byte[] { (byte)Label.Water }));
            Console.WriteLine("range " + stage.Link.SetPlateRange(3.0, 1.0));
            Console.WriteLine("world " + stage.Link.ResetWorld());
            stage.Begin(1);
            Thread.Sleep(300); // what was set travels with the worker's next turn
        }
    }

    /// <summary>
    /// `models FOLDER NAME`: the renderer's models; one that it has not is asked for, then NAME, with frames all the while.
    /// </summary>
    internal static class Models
    {
        public static void Run(string folder, string name)
        {
            using var stage = new Stage(folder, SyncMode.Lockstep, LatePolicy.Reproject);
            stage.Until(WpLinkState.Attached);
            Console.WriteLine("models " + string.Join(" ", stage.Link.Models()));
            Console.WriteLine("no name: " + stage.Link.UseModel("a/b"));
            int number = 0, missing = 0;
            foreach (string wanted in new[] { "absent", name })
            {
                Console.WriteLine("asked: " + stage.Link.UseModel(wanted));
                Console.WriteLine("loading: " + stage.Link.ModelChange().Words);
                Console.WriteLine("again: " + stage.Link.UseModel(name));
                do
                {
                    ulong id = stage.Begin(++number);
                    missing += stage.Send(id, 0x3c00) && stage.Link.Wait(id, Stage.PatienceMs) ? 0 : 1;
                    stage.Link.Present();
                }
                while (stage.Link.ModelChange().IsLoading);
                Console.WriteLine(stage.Link.ModelChange().Progress.ToString().ToLowerInvariant() + ": " + stage.Link.ModelChange().Words);
                Console.WriteLine("model: " + stage.Link.Status().Model + ", sessions " + stage.Link.Status().SessionCount);
            }
            Console.WriteLine("missing " + missing);
        }
    }

    /// <summary>
    /// `late FOLDER POLICY`: a plate is there, then the renderer gives no more: what is shown in the 14 frames after it, and
    /// after a cut.
    /// </summary>
    internal static class Late
    {
        public static void Run(string folder, string policy)
        {
            using var stage = new Stage(folder, SyncMode.Freerun, (LatePolicy)Enum.Parse(typeof(LatePolicy), policy));
            stage.Until(WpLinkState.Attached);
            ulong id = stage.Begin(0);
            stage.Send(id, 0x3c00);
            stage.Link.Wait(id, Stage.PatienceMs);
            stage.Link.Present();
            for (int number = 1; number <= 14; number++)
            {
                ulong now = stage.Begin(number, number == 14 ? Reset.Cut : Reset.None);
                Picture picture = stage.Link.Present();
                bool carried = picture.PlateId != 0 && picture.PlateId != now && stage.Link.FillCarry(stage.Carry, now, picture.PlateId);
                Console.WriteLine(string.Join(" ", picture.TargetId, picture.PlateId, picture.Disposition, picture.Strength.ToString("0.00"), carried, stage.Carry.Count));
            }
        }
    }

    /// <summary>`kill FOLDER`: frames until the standard input says what has happened to the renderer; nothing throws.</summary>
    internal static class Kill
    {
        public static void Run(string folder)
        {
            using var stage = new Stage(folder, SyncMode.Freerun, LatePolicy.Reproject);
            int number = 0;
            Show(stage, ref number, true);
            Console.WriteLine("plate " + stage.Link.Status().SessionCount);
            Console.ReadLine(); // the renderer is killed
            Show(stage, ref number, false);
            Console.WriteLine("engine " + stage.Link.Status().State);
            Console.ReadLine(); // another is there
            Show(stage, ref number, true);
            Console.WriteLine("plate " + stage.Link.Status().SessionCount);
        }

        private static void Show(Stage stage, ref int number, bool plates)
        {
            for (int waited = 0; waited < Stage.PatienceMs; waited += 5)
            {
                ulong id = stage.Begin(++number);
                stage.Send(id, 0x3c00);
                Picture picture = stage.Link.Present();
                bool attached = stage.Link.Status().State == WpLinkState.Attached;
                if (picture.TargetId != 0 && picture.PlateId != 0 == plates && attached == plates)
                {
                    return;
                }
                Thread.Sleep(5);
            }
            throw new TimeoutException("plates: " + plates);
        }
    }

    /// <summary>`words`: what a person reads before there is a renderer.</summary>
    internal static class Words
    {
        public static void Run()
        {
            using var stage = new Stage("/nowhere", SyncMode.Freerun, LatePolicy.Reproject);
            StateWords words = StateWords.Of(stage.Link.Status());
            Console.WriteLine(words.Headline + "; " + words.Next + "; " + words.Mood);
            try
            {
                using var none = new Stage("", SyncMode.Freerun, LatePolicy.Reproject, 9000, 36);
            }
            catch (LinkException error)
            {
                Console.WriteLine(error.Code + ": " + error.Message);
            }
        }
    }
}

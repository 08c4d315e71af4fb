#nullable enable
using System;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Tool
{
    /// <summary>What is left of links that are over: threads, files and sockets, segments of this process.</summary>
    internal static unsafe class Life
    {
        /// <summary>`cycles FOLDER COUNT`: play and stop, so often; each with a plate.</summary>
        public static void Cycles(string folder, int count)
        {
            Warm(folder);
            int plates = 0;
            for (int cycle = 0; cycle < count; cycle++)
            {
                plates += Play(folder);
            }
            Say("after");
            Console.WriteLine("plates " + plates);
        }

        /// <summary>`forgotten FOLDER`: links that nobody disposes, as when a domain is unloaded in the middle of a play.</summary>
        public static void Forgotten(string folder)
        {
            Warm(folder);
            for (int link = 0; link < 5; link++)
            {
                Forget(folder);
            }
            Say("forgotten");
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Say("after");
        }

        // What the runtime loads and starts at the first play stays.
        private static void Warm(string folder)
        {
            for (int play = 0; play < 3; play++)
            {
                Play(folder);
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Say("before");
        }

        private static int Play(string folder)
        {
            using var stage = new Stage(folder, SyncMode.Lockstep, LatePolicy.Reproject);
            stage.Until(WpLinkState.Attached);
            ulong id = stage.Begin(1);
            bool sent = stage.Send(id, 0x3c00);
            return sent && stage.Link.Wait(id, Stage.PatienceMs) && stage.PlateIs(stage.Link.Present(), 0x3c00) ? 1 : 0;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Forget(string folder)
        {
            var stage = new Stage(folder, SyncMode.Freerun, LatePolicy.Reproject);
            stage.Until(WpLinkState.Attached);
            stage.Send(stage.Begin(1), 0x3c00);
        }

        // The runtime's own files, pipes and the like are not looked at.
        private static void Say(string when)
        {
            int threads = Directory.GetDirectories("/proc/self/task").Length;
            int sockets = 0, segments = 0;
            foreach (string file in Directory.GetFileSystemEntries("/proc/self/fd"))
            {
                byte* target = stackalloc byte[256];
                long length = (long)readlink(Texts.Write(file), target, (UIntPtr)256);
                string kind = length > 0 ? Encoding.UTF8.GetString(target, (int)length) : "";
                sockets += kind.StartsWith("socket:") || kind.Contains("eventfd") || kind.Contains("eventpoll") ? 1 : 0;
            }
            foreach (string line in File.ReadAllLines("/proc/self/maps"))
            {
                segments += line.Contains("/dev/shm/worldplate-") ? 1 : 0;
            }
            Console.WriteLine(string.Join(" ", when, "threads", threads, "sockets", sockets, "segments", segments));
        }

        [DllImport("libc.so.6")]
        private static extern IntPtr readlink(byte[] path, byte* target, UIntPtr room);
    }
}

#nullable enable
using System;
using System.Diagnostics;
using System.Threading;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Tool
{
    /// <summary>
    /// `time FOLDER WIDTH HEIGHT COUNT`: a line for each frame with a plate: microseconds on the engine's own thread inside the
    /// link, bytes that it allocated there, and microseconds of the one copy that an engine's read-back makes, beside it.
    /// </summary>
    internal static unsafe class Timing
    {
        private const double PeriodMs = 1000.0 / 60.0;

        public static void Run(string folder, int width, int height, int count)
        {
            using var stage = new Stage(folder, SyncMode.Freerun, LatePolicy.Reproject, width, height);
            stage.Until(WpLinkState.Attached);
            IntPtr readBack = System.Runtime.InteropServices.Marshal.AllocHGlobal(new IntPtr(stage.Link.PixelBytes));
            new Span<byte>((void*)readBack, (int)stage.Link.PixelBytes).Fill(0x3c);
            Stopwatch clock = Stopwatch.StartNew();
            int shown = 0;
            for (int number = 1; shown < count && number < 20 * count; number++)
            {
                double due = number * PeriodMs;
                double wait = due - clock.Elapsed.TotalMilliseconds;
                if (wait > 0.0)
                {
                    Thread.Sleep((int)wait);
                }
                if (Tick(stage, number, readBack, out long spent, out long copied, out long bytes))
                {
                    const double ticksPerUs = 1e6;
                    Console.WriteLine(string.Join(" ", spent * ticksPerUs / Stopwatch.Frequency, copied * ticksPerUs / Stopwatch.Frequency, bytes));
                    shown++;
                }
            }
            System.Runtime.InteropServices.Marshal.FreeHGlobal(readBack);
            Console.Error.WriteLine("transport " + stage.Link.Status().Transport);
        }

        private static bool Tick(Stage stage, int number, IntPtr readBack, out long spent, out long copied, out long bytes)
        {
            bytes = -GC.GetAllocatedBytesForCurrentThread();
            spent = -Stopwatch.GetTimestamp();
            ulong id = stage.Begin(number);
            PixelBuffer? buffer = stage.Link.WantsPixels ? stage.Link.TakeBuffer() : null;
            copied = -Stopwatch.GetTimestamp();
            if (buffer != null)
            {
                Buffer.MemoryCopy((void*)readBack, (void*)buffer.Memory, buffer.Bytes, buffer.Bytes);
            }
            copied += Stopwatch.GetTimestamp();
            if (buffer != null)
            {
                stage.Link.Submit(id, buffer);
            }
            Picture picture = stage.Link.Present();
            if (picture.PlateId != 0)
            {
                stage.Link.FillCarry(stage.Carry, picture.TargetId, picture.PlateId);
            }
            bool whole = stage.Link.PlateIsWhole;
            spent += Stopwatch.GetTimestamp() - copied;
            bytes += GC.GetAllocatedBytesForCurrentThread();
            return picture.PlateId != 0 && buffer != null && whole;
        }
    }
}

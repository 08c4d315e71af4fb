#nullable enable
using System;
using System.Threading;

namespace Worldplate.Internal
{
    /// <summary>
    /// Room for the pixels of one frame, in the layout of <see cref="Link.Places"/>. It is free, then taken by who fills
    /// it (a read-back of the GPU), then read by the client's worker, then free again.
    /// </summary>
    public sealed unsafe class PixelBuffer
    {
        internal PixelBuffer(IntPtr memory, long bytes)
        {
            Memory = memory;
            Bytes = bytes;
            *Released = 1;
        }

        /// <summary>The pixels; 16-byte aligned, good until the link is resized or disposed while this is free.</summary>
        public IntPtr Memory { get; }

        public long Bytes { get; }

        /// <summary>Whether somebody fills it. Whoever took it gives it to Submit or to Return.</summary>
        public bool IsTaken { get; internal set; }

        public bool IsFree => !IsTaken && Volatile.Read(ref *(int*)Released) != 0;

        /// <summary>Behind the pixels: 1 when the worker no longer reads them.</summary>
        internal uint* Released => (uint*)((byte*)Memory + AlignedBytes(Bytes));

        internal static long AlignedBytes(long bytes) => (bytes + 63) & ~63L;
    }
}

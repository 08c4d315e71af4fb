#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>What a link is opened with. Defaults are those of the library, but for the names.</summary>
    public sealed class LinkSettings
    {
        /// <summary>Pixels of every plane, 1..8192 each.</summary>
        public int Width, Height;

        /// <summary>What the engine gives, in the order of its pixels; Color is required.</summary>
        public WpPlane[] Planes = Array.Empty<WpPlane>();

        public SyncMode Sync = SyncMode.Freerun;
        public LatePolicy Late = LatePolicy.Reproject;

        /// <summary>n of SyncMode.Delayed, 0..8.</summary>
        public int DelayFrames = 1;

        public ulong Seed;

        /// <summary>For the deadlines of Lockstep and Delayed, milliseconds.</summary>
        public double FramePeriodMs = 1000.0 / 60.0;

        /// <summary>Plugin and engine with their versions, for people; 1..64 and 0..64 bytes.</summary>
        public string Name = "Worldplate for Unity", Engine = "";

        /// <summary>Of a renderer with a runtime folder of its own; empty: this user's.</summary>
        public string ConnectionFile = "";

        /// <summary>Frames that may be unanswered before <see cref="Link.WantsPixels"/> says no.</summary>
        public int FramesInFlight = 2;
    }
}

#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>What is to be shown at a tick, as wp_picture says it.</summary>
    public struct Picture
    {
        internal unsafe Picture(in WpPicture from)
        {
            TargetId = from.TargetId;
            PlateId = from.PlateId;
            Disposition = from.Disposition;
            Strength = from.Strength;
            Plate = (IntPtr)from.Plate;
            Width = (int)from.Width;
            Height = (int)from.Height;
            RowPitchBytes = (int)from.RowPitchBytes;
            AgeMs = from.AgeMs;
        }

        /// <summary>Whose engine pixels are on the screen; 0: nothing new.</summary>
        public ulong TargetId { get; }

        /// <summary>Whose plate lies over them; 0: none.</summary>
        public ulong PlateId { get; }

        public Disposition Disposition { get; }

        /// <summary>To multiply the matte with, 0..1.</summary>
        public float Strength { get; }

        /// <summary>RGBA16F, straight alpha = matte; zero without a plate. Good until the next Present, Resize or Dispose.</summary>
        public IntPtr Plate { get; private set; }

        public int Width { get; }
        public int Height { get; }
        public int RowPitchBytes { get; }

        /// <summary>Frame age: from the oldest engine state in the picture to Present.</summary>
        public double AgeMs { get; }

        /// <summary>The same, once the next Present has come: its pixels may be gone.</summary>
        public Picture WithoutPixels()
        {
            Picture kept = this;
            kept.Plate = IntPtr.Zero;
            return kept;
        }
    }
}

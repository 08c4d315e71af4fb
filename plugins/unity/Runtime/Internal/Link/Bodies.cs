#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>The rigid bodies and contacts of a frame, in canonical space. Grows to the most there were; keeps its memory.</summary>
    public sealed class Bodies
    {
        internal WpBody[] Items = new WpBody[64];
        internal WpContact[] Touching = new WpContact[64];

        public int Count { get; private set; }
        public int ContactCount { get; private set; }

        public void Clear()
        {
            Count = 0;
            ContactCount = 0;
        }

        /// <summary>The next body, to be filled: what was there before is still in it.</summary>
        public ref WpBody Add()
        {
            if (Count == Items.Length)
            {
                Array.Resize(ref Items, 2 * Items.Length);
            }
            return ref Items[Count++];
        }

        /// <summary>The next contact, to be filled.</summary>
        public ref WpContact AddContact()
        {
            if (ContactCount == Touching.Length)
            {
                Array.Resize(ref Touching, 2 * Touching.Length);
            }
            return ref Touching[ContactCount++];
        }
    }
}

#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>
    /// What a shader needs to carry a plate into another view, as 32-bit words: three matrices (source view from target view,
    /// source projection, target projection), the jitter of source and target in pixels, the number of bodies and three
    /// zeros; then for each body, by ascending id: id, whether it was there in the source, two zeros, and its own matrix.
    /// Matrices are row-major here and act on column vectors.
    /// </summary>
    public sealed unsafe class Carry
    {
        public const int HeadWords = 56, BodyWords = 20, MatrixWords = 16;

        private WpBodyMotion[] _motions = new WpBodyMotion[64];

        /// <summary>Good up to <see cref="Count"/>; another array after it had to grow.</summary>
        public uint[] Words { get; private set; } = new uint[HeadWords + 64 * BodyWords];

        public int Count { get; private set; }

        internal WpCode Fill(WpClient client, ulong target, ulong source)
        {
            Count = 0;
            WpReprojectionData still;
            WpCode code = Native.wp_reprojection(client, target, source, &still);
            uint bodies = 0;
            if (code == WpCode.Ok)
            {
                code = ReadMotions(client, target, source, out bodies);
            }
            if (code != WpCode.Ok)
            {
                return code;
            }
            MakeRoom(HeadWords + (int)bodies * BodyWords);
            fixed (uint* words = Words)
            {
                Write(words, still, bodies);
            }
            return WpCode.Ok;
        }

        private WpCode ReadMotions(WpClient client, ulong target, ulong source, out uint count)
        {
            uint room = (uint)_motions.Length;
            WpCode code = Ask(client, target, source, ref room);
            if (code == WpCode.BadArgument && room > _motions.Length)
            {
                _motions = new WpBodyMotion[2 * room];
                room = (uint)_motions.Length;
                code = Ask(client, target, source, ref room);
            }
            count = room;
            return code;
        }

        private WpCode Ask(WpClient client, ulong target, ulong source, ref uint room)
        {
            fixed (WpBodyMotion* motions = _motions)
            fixed (uint* count = &room)
            {
                return Native.wp_body_motions(client, target, source, motions, count);
            }
        }

        private void MakeRoom(int words)
        {
            if (words > Words.Length)
            {
                Words = new uint[2 * words];
            }
            Count = words;
        }

        private void Write(uint* words, in WpReprojectionData still, uint bodies)
        {
            fixed (WpReprojectionData* head = &still)
            {
                Buffer.MemoryCopy(head, words, sizeof(WpReprojectionData), sizeof(WpReprojectionData));
            }
            words[HeadWords - 4] = bodies;
            words[HeadWords - 3] = words[HeadWords - 2] = words[HeadWords - 1] = 0;
            for (int at = 0; at < bodies; at++)
            {
                uint* body = words + HeadWords + at * BodyWords;
                fixed (WpBodyMotion* motion = &_motions[at])
                {
                    body[0] = motion->Id;
                    body[1] = motion->Known;
                    body[2] = body[3] = 0;
                    const int bytes = MatrixWords * sizeof(float);
                    Buffer.MemoryCopy(motion->SourceViewFromTargetView, body + 4, bytes, bytes);
                }
            }
        }
    }
}

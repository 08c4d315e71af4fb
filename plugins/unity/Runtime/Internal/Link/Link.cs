#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>
    /// One stream's way to the renderer and back: the native client as an engine uses it in each frame. One thread calls it.
    /// Nothing here waits but Wait and Dispose, and no call of a frame allocates. What goes in is in canonical space
    /// (<see cref="Spaces"/>). Nothing is called back: this can be collected, and its domain unloaded, at any time.
    /// </summary>
    public sealed unsafe partial class Link : IDisposable
    {
        private const int SpareBuffers = 2; // one that the GPU fills, one that waits for its turn

        private readonly ClientHandle _client;
        private readonly PixelPool _pool;
        private WpFrame _frame;
        private WpPicture _picture;

        private Link(ClientHandle client, LinkSettings settings)
        {
            _client = client;
            _pool = new PixelPool(client, settings.FramesInFlight + SpareBuffers);
            Places = new WpPlanePlace[settings.Planes.Length];
            ReadLayout();
        }

        /// <summary>Where each plane of the settings lies in a pixel buffer.</summary>
        public WpPlanePlace[] Places { get; }

        /// <summary>Of all planes together.</summary>
        public long PixelBytes { get; private set; }

        /// <summary>The monotonic clock of frames, nanoseconds.</summary>
        public static ulong NowNs => Native.wp_now_ns();

        /// <summary>Starts the client; the renderer need not be there yet. Raises LinkException.</summary>
        public static Link Open(LinkSettings settings)
        {
            fixed (WpPlane* planes = settings.Planes)
            fixed (byte* name = Texts.Write(settings.Name), engine = Texts.Write(settings.Engine))
            fixed (byte* connection = Texts.Write(settings.ConnectionFile))
            {
                WpClientDesc desc = Native.wp_client_defaults();
                desc.AbiVersion = Native.AbiVersion;
                desc.Width = checked((uint)settings.Width);
                desc.Height = checked((uint)settings.Height);
                desc.Planes = planes;
                desc.PlaneCount = (uint)settings.Planes.Length;
                desc.Sync = settings.Sync;
                desc.Late = settings.Late;
                desc.DelayFrames = (uint)settings.DelayFrames;
                desc.Seed = settings.Seed;
                desc.FramePeriodMs = settings.FramePeriodMs;
                desc.FramesInFlight = (uint)settings.FramesInFlight;
                desc.Name = name;
                desc.Engine = engine;
                desc.ConnectionFile = settings.ConnectionFile.Length > 0 ? connection : null;
                WpCode code = ClientHandle.Open(desc, out ClientHandle? client);
                return new Link(client ?? throw new LinkException(code, Texts.Why(code)), settings);
            }
        }

        /// <summary>Says goodbye to the renderer, ends the worker and frees all pixel buffers: nobody may fill one any more.</summary>
        public void Dispose() => _client.Dispose();

        /// <summary>Planes of another size from the next frame on, which is then a cut.</summary>
        public void Resize(int width, int height)
        {
            Check(Native.wp_resize(_client.Client, checked((uint)width), checked((uint)height)));
            ReadLayout();
        }

        /// <summary>The engine's state at this tick. Returns the frame's id, from 1; 0 when it was refused (<see cref="LastError"/>).</summary>
        public ulong BeginFrame(in WpCamera camera, Bodies bodies, Reset reset, ulong seed)
        {
            ulong id = 0;
            fixed (WpFrame* frame = &_frame)
            fixed (WpBody* items = bodies.Items)
            fixed (WpContact* touching = bodies.Touching)
            {
                frame->CaptureNs = 0;
                frame->Camera = camera;
                frame->Bodies = items;
                frame->BodyCount = (uint)bodies.Count;
                frame->Contacts = touching;
                frame->ContactCount = (uint)bodies.ContactCount;
                frame->Reset = reset;
                frame->Seed = seed;
                frame->Timecode = null;
                return Keep(Native.wp_begin_frame(_client.Client, frame, &id)) ? id : 0;
            }
        }

        /// <summary>Whether this tick's pixels are of use to the renderer.</summary>
        public bool WantsPixels => Native.wp_wants_pixels(_client.Client) != 0;

        /// <summary>Room for the pixels of a frame, to be given to Submit or Return; null when all is in use: send none.</summary>
        public PixelBuffer? TakeBuffer() => _pool.Take();

        /// <summary>Takes a buffer back that was not filled.</summary>
        public void Return(PixelBuffer buffer) => buffer.IsTaken = false;

        /// <summary>Hands the pixels of a frame over; the client's worker copies them into the ring.</summary>
        public bool Submit(ulong id, PixelBuffer buffer)
        {
            *buffer.Released = 0;
            buffer.IsTaken = false;
            void* pixels = (void*)buffer.Memory;
            return Keep(Native.wp_submit_marked(_client.Client, id, pixels, (ulong)buffer.Bytes, buffer.Released));
        }

        /// <summary>Waits for a frame's plate: for SyncMode.Lockstep and Offline alone.</summary>
        public bool Wait(ulong id, double timeoutMs) => Keep(Native.wp_wait(_client.Client, id, timeoutMs));

        /// <summary>What to show; once in each tick, after BeginFrame.</summary>
        public Picture Present()
        {
            fixed (WpPicture* picture = &_picture)
            {
                if (!Keep(Native.wp_present(_client.Client, picture)))
                {
                    *picture = default;
                }
            }
            return new Picture(_picture);
        }

        /// <summary>Whether the plate of the last Present was not overwritten meanwhile: ask after reading it.</summary>
        public bool PlateIsWhole => Native.wp_plate_whole(_client.Client) != 0;

        /// <summary>Why the last picture is not `generated`; empty when it is.</summary>
        public string Reason
        {
            get
            {
                fixed (byte* reason = _picture.Reason)
                {
                    return Texts.Read(reason);
                }
            }
        }

        /// <summary>How to carry the plate of `source` into the view of `target`. False when one of them is forgotten.</summary>
        public bool FillCarry(Carry carry, ulong target, ulong source) => Keep(carry.Fill(_client.Client, target, source));

        /// <summary>What the last call that failed was refused for.</summary>
        public WpCode LastError { get; private set; }

        private void ReadLayout()
        {
            ulong bytes;
            fixed (WpPlanePlace* places = Places)
            {
                Check(Native.wp_layout(_client.Client, places, &bytes));
            }
            PixelBytes = checked((long)bytes);
            _pool.Resize(PixelBytes);
        }

        private bool Keep(WpCode code)
        {
            if (code != WpCode.Ok)
            {
                LastError = code;
            }
            return code == WpCode.Ok;
        }

        private static void Check(WpCode code)
        {
            if (code != WpCode.Ok)
            {
                throw new LinkException(code, Texts.Why(code));
            }
        }
    }
}

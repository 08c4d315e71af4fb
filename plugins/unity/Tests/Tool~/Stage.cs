#nullable enable
using System;
using System.IO;
using System.Threading;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Tool
{
    /// <summary>A small engine: a camera that walks, bodies that turn, planes whose values tell the frame.</summary>
    internal sealed unsafe class Stage : IDisposable
    {
        public const int PatienceMs = 60000;

        private static readonly WpPlane[] Planes =
        {
            new WpPlane { Name = PlaneName.Color, Format = PixelFormat.Rgba16f },
            new WpPlane { Name = PlaneName.Depth, Format = PixelFormat.R32f },
            new WpPlane { Name = PlaneName.Normal, Format = PixelFormat.Rgba16f },
            new WpPlane { Name = PlaneName.Motion, Format = PixelFormat.Rg16f },
            new WpPlane { Name = PlaneName.Object, Format = PixelFormat.R32ui },
        };

        public readonly Bodies Bodies = new Bodies();
        public readonly Carry Carry = new Carry();
        public readonly Link Link;

        public Stage(string folder, SyncMode sync, LatePolicy late, int width = 64, int height = 36)
        {
            Link = Link.Open(new LinkSettings
            {
                Width = width, Height = height, Planes = Planes, Sync = sync, Late = late, Engine = "CoreCLR",
                ConnectionFile = Path.Combine(folder, "connection.json"),
            });
            for (uint id = 1; id <= 50; id++)
            {
                ref WpBody body = ref Bodies.Add();
                body = default;
                body.Id = id;
                Put(ref body.WorldFromBody, 0.1f * id);
                Put(ref body.PreviousWorldFromBody, 0.1f * id);
            }
        }

        public void Dispose() => Link.Dispose();

        public static void Put(ref WpPose pose, float x)
        {
            fixed (WpPose* at = &pose)
            {
                Spaces.Position(at->PositionM, x, 1.6f, -4.0f);
                Spaces.Orientation(at->Orientation, 0.0f, 0.0f, 0.0f, 1.0f);
            }
        }

        public ulong Begin(int number, Reset reset = Reset.None)
        {
            WpCamera camera = default;
            Put(ref camera.WorldFromCamera, 0.001f * number);
            Put(ref camera.PreviousWorldFromCamera, 0.001f * (number - 1));
            camera.Projection[0] = 1.0;
            camera.Projection[5] = 1.7;
            camera.Projection[10] = -1.002;
            camera.Projection[11] = -0.2;
            camera.Projection[14] = -1.0;
            camera.NearM = 0.1;
            camera.FarM = 100.0;
            return Link.BeginFrame(camera, Bodies, reset, 0);
        }

        /// <summary>Every half of color is `bits`, all else 1 m away, at rest and id 1.</summary>
        public void Fill(PixelBuffer buffer, ushort bits)
        {
            foreach (WpPlanePlace place in Link.Places)
            {
                byte* first = (byte*)buffer.Memory + place.OffsetBytes;
                long end = place.Name == PlaneName.Object ? buffer.Bytes : (long)NextOffset(place);
                if (place.Name == PlaneName.Color)
                {
                    new Span<ushort>(first, (int)((end - (long)place.OffsetBytes) / 2)).Fill(bits);
                }
                else if (place.Name == PlaneName.Depth)
                {
                    new Span<float>(first, (int)((end - (long)place.OffsetBytes) / 4)).Fill(1.0f);
                }
                else if (place.Name == PlaneName.Object)
                {
                    new Span<uint>(first, (int)((end - (long)place.OffsetBytes) / 4)).Fill(1u);
                }
            }
        }

        private ulong NextOffset(in WpPlanePlace place)
        {
            ulong next = (ulong)Link.PixelBytes;
            foreach (WpPlanePlace other in Link.Places)
            {
                if (other.OffsetBytes > place.OffsetBytes && other.OffsetBytes < next)
                {
                    next = other.OffsetBytes;
                }
            }
            return next;
        }

        /// <summary>Sends a frame when it is wanted. Returns whether it was.</summary>
        public bool Send(ulong id, ushort bits)
        {
            PixelBuffer? buffer = Link.WantsPixels ? Link.TakeBuffer() : null;
            if (buffer == null)
            {
                return false;
            }
            Fill(buffer, bits);
            return Link.Submit(id, buffer);
        }

        /// <summary>Whether every half of the plate is `bits`.</summary>
        public bool PlateIs(in Picture picture, ushort bits)
        {
            if (picture.Plate == IntPtr.Zero)
            {
                return false;
            }
            bool same = true;
            for (int row = 0; row < picture.Height; row++)
            {
                foreach (ushort half in new Span<ushort>((byte*)picture.Plate + row * picture.RowPitchBytes, 4 * picture.Width))
                {
                    same &= half == bits;
                }
            }
            return same && Link.PlateIsWhole;
        }

        public void Until(WpLinkState state)
        {
            for (int waited = 0; Link.Status().State != state; waited += 5)
            {
                if (waited > PatienceMs)
                {
                    LinkStatus status = Link.Status();
                    throw new TimeoutException(status.State + " " + status.ErrorText + " " + status.ErrorFix);
                }
                Thread.Sleep(5);
            }
        }
    }
}

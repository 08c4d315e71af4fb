#nullable enable
using System;
using System.Runtime.InteropServices;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Tool
{
    /// <summary>`selftest`: the known scene in planes made here, right and with one mistake each; what does not hold, in words.</summary>
    internal static unsafe class SelfTest
    {
        private const int Width = 96, Height = 54;
        private const ushort One = 0x3c00;

        public static void Run()
        {
            foreach (string mistake in new[] { "none", "rows", "columns", "depth", "normal", "motion", "albedo", "label", "id", "sky" })
            {
                WpPlanePlace[] places = Places(out long bytes);
                IntPtr pixels = Marshal.AllocHGlobal(new IntPtr(bytes));
                Paint(pixels, places, mistake);
                string wrong = "";
                foreach (Finding finding in new Conventions(pixels, places, Width, Height).Judge())
                {
                    wrong += finding.Holds ? "" : finding.Name + ": " + finding.Text + "; ";
                }
                Marshal.FreeHGlobal(pixels);
                Console.WriteLine(mistake + "| " + wrong);
            }
        }

        private static WpPlanePlace[] Places(out long bytes)
        {
            var planes = new[] { (PlaneName.Depth, 4), (PlaneName.Normal, 8), (PlaneName.Motion, 4), (PlaneName.Albedo, 8), (PlaneName.Object, 4), (PlaneName.Label, 1) };
            bytes = 0;
            var places = new WpPlanePlace[planes.Length];
            for (int at = 0; at < planes.Length; at++)
            {
                places[at] = new WpPlanePlace { Name = planes[at].Item1, RowPitchBytes = (uint)(Width * planes[at].Item2), OffsetBytes = (ulong)bytes };
                bytes += Width * Height * planes[at].Item2;
            }
            return places;
        }

        // A pinhole of 60 degrees: the box's face is 1 m wide and high around (1.5, 1.2, 7) in the view.
        private static void Paint(IntPtr pixels, WpPlanePlace[] places, string mistake)
        {
            double focal = 1.0 / Math.Tan(Math.PI / 6.0), aspect = (double)Width / Height;
            for (int y = 0; y < Height; y++)
            {
                for (int x = 0; x < Width; x++)
                {
                    int row = mistake == "rows" ? Height - 1 - y : y, column = mistake == "columns" ? Width - 1 - x : x;
                    double right = (2.0 * (column + 0.5) / Width - 1.0) * aspect / focal * 7.0;
                    double up = (1.0 - 2.0 * (row + 0.5) / Height) / focal * 7.0;
                    bool box = Math.Abs(right - 1.5) < 0.5 && Math.Abs(up - 1.2) < 0.5;
                    Put(pixels, places, y * Width + x, box, mistake, 0.5 * focal / aspect * 0.1 / 7.0);
                }
            }
        }

        private static void Put(IntPtr pixels, WpPlanePlace[] places, int i, bool box, string mistake, double motion)
        {
            byte* At(int plane) => (byte*)pixels + places[plane].OffsetBytes;
            float nothing = mistake == "sky" ? 100.0f : float.PositiveInfinity;
            ((float*)At(0))[i] = box ? (mistake == "depth" ? 0.013f : 7.0f) : nothing;
            ushort* normal = (ushort*)At(1) + 4 * i;
            normal[0] = normal[1] = normal[3] = 0;
            normal[2] = (ushort)(!box ? 0 : mistake == "normal" ? One | 0x8000 : One);
            ushort* moved = (ushort*)At(2) + 2 * i;
            moved[0] = (ushort)(Half(motion) | (mistake == "motion" ? 0x8000 : 0));
            moved[1] = 0;
            ushort* albedo = (ushort*)At(3) + 4 * i;
            albedo[0] = Half(mistake == "albedo" ? 0.906 : Conventions.Red);
            albedo[1] = Half(Conventions.Green);
            albedo[2] = Half(Conventions.Blue);
            albedo[3] = One;
            ((uint*)At(4))[i] = box && mistake != "id" ? 3u : 0u;
            At(5)[i] = (byte)(box && mistake != "label" ? Conventions.Is : Label.Unknown);
        }

        // Of a positive number that a half float holds with all its bits.
        private static ushort Half(double value)
        {
            int exponent = (int)Math.Floor(Math.Log(value, 2.0));
            int fraction = (int)Math.Round((value / Math.Pow(2.0, exponent) - 1.0) * 1024.0);
            return (ushort)(((exponent + 15) << 10) + fraction);
        }
    }
}

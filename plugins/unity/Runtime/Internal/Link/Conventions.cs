#nullable enable
using System;
using System.Collections.Generic;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>What one convention was found to be.</summary>
    public readonly struct Finding
    {
        public Finding(string name, bool holds, string text)
        {
            Name = name;
            Holds = holds;
            Text = text;
        }

        public string Name { get; }
        public bool Holds { get; }

        /// <summary>Measured and expected value.</summary>
        public string Text { get; }
    }

    /// <summary>
    /// Judges the planes of a known scene: a box, its front face square to the camera, up and right of the picture's middle,
    /// before nothing; the camera has moved to its right by StepM since the frame before. The numbers are those of a pinhole.
    /// </summary>
    public sealed unsafe class Conventions
    {
        /// <summary>Of the face's middle in the camera's view, metres; the camera's step; its vertical angle of view.</summary>
        public const double RightM = 1.5, UpM = 1.2, DepthM = 7.0, StepM = 0.1, VerticalFovDeg = 60.0;

        /// <summary>Of the box: its linear base colour, and what it is.</summary>
        public const float Red = 0.8f, Green = 0.4f, Blue = 0.2f;
        public const Label Is = Label.Wood;

        readonly IntPtr _pixels;
        readonly WpPlanePlace[] _places;
        readonly int _width, _height;

        /// <summary>`pixels`: planes of width x height in the layout of `places`.</summary>
        public Conventions(IntPtr pixels, WpPlanePlace[] places, int width, int height)
        {
            _pixels = pixels;
            _places = places;
            _width = width;
            _height = height;
        }

        static double Focal => 1.0 / Math.Tan(VerticalFovDeg * Math.PI / 360.0);

        double U => 0.5 + 0.5 * Focal * _height / _width * RightM / DepthM;

        static double V => 0.5 - 0.5 * Focal * UpM / DepthM;

        public List<Finding> Judge()
        {
            int x = (int)(U * _width), y = (int)(V * _height);
            double motion = 0.5 * Focal * _height / _width * StepM / DepthM;
            var found = new List<Finding>
            {
                Place(x, y),
                Near("depth is linear view Z in metres", Depth(x, y), DepthM, 0.01 * DepthM),
                Vector("normals are world-space, y up, z backward", PlaneName.Normal, x, y, 0.02, 0.0, 0.0, 1.0),
                Near("motion is previous - current, u right", Halves(PlaneName.Motion, x, y)[0], motion, 0.02 * motion),
                Near("motion's v is 0 when the camera moves to its side", Halves(PlaneName.Motion, x, y)[1], 0.0, 0.02 * motion),
                Vector("base colour is linear", PlaneName.Albedo, x, y, 0.02, Red, Green, Blue),
                Near("what the box is", *(byte*)At(PlaneName.Label, x, y, 1), (double)Is, 0.0),
                new Finding("the box has an id", *(uint*)At(PlaneName.Object, x, y, 4) != 0, "id " + *(uint*)At(PlaneName.Object, x, y, 4)),
                new Finding("where nothing is, depth is infinite", double.IsPositiveInfinity(Depth(0, _height - 1)), "depth " + Depth(0, _height - 1)),
            };
            return found;
        }

        // The box is up and right: where else it is found tells how the picture is turned.
        Finding Place(int x, int y)
        {
            const string name = "the first row is the picture's highest, the first column its left";
            bool IsThere(int column, int row) => !double.IsInfinity(Depth(column, row));
            string text = IsThere(x, y) ? "the box is where it should be"
                : IsThere(x, _height - 1 - y) ? "rows are upside down"
                : IsThere(_width - 1 - x, y) ? "columns are mirrored"
                : "the box is not seen";
            return new Finding(name, IsThere(x, y), text);
        }

        static Finding Near(string name, double measured, double expected, double most) =>
            new Finding(name, Math.Abs(measured - expected) <= most, "measured " + measured.ToString("G5") + ", expected " + expected.ToString("G5"));

        Finding Vector(string name, PlaneName plane, int x, int y, double most, params double[] expected)
        {
            double[] measured = Halves(plane, x, y);
            bool holds = true;
            for (int at = 0; at < 3; at++)
            {
                holds &= Math.Abs(measured[at] - expected[at]) <= most;
            }
            return new Finding(name, holds, "measured " + Words(measured) + ", expected " + Words(expected));
        }

        static string Words(double[] values) =>
            string.Join(" ", Array.ConvertAll(values, value => value.ToString("G3")), 0, 3);

        double Depth(int x, int y) => *(float*)At(PlaneName.Depth, x, y, 4);

        double[] Halves(PlaneName plane, int x, int y)
        {
            int channels = plane == PlaneName.Motion ? 2 : 4;
            ushort* first = (ushort*)At(plane, x, y, 2 * channels);
            var values = new double[channels];
            for (int at = 0; at < channels; at++)
            {
                values[at] = HalfFloat.Read(first[at]);
            }
            return values;
        }

        byte* At(PlaneName plane, int x, int y, int pixelBytes)
        {
            WpPlanePlace place = Array.Find(_places, each => each.Name == plane);
            return (byte*)_pixels + place.OffsetBytes + (long)y * place.RowPitchBytes + x * pixelBytes;
        }
    }
}

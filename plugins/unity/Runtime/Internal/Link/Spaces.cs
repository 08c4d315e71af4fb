#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>
    /// Unity's values to canonical ones. Unity: left-handed, +Y up, the camera looks down +Z, metres. Canonical: right-handed,
    /// +Y up, the camera looks down -Z, metres. The two differ by the sign of z, in the world and in every local space alike:
    /// positions (x, y, -z), quaternions (-x, -y, z, w), vectors (x, y, -z), angular velocities (-x, -y, z).
    /// </summary>
    public static unsafe class Spaces
    {
        public static void Position(double* to, float x, float y, float z)
        {
            to[0] = x;
            to[1] = y;
            to[2] = -z;
        }

        /// <summary>A unit quaternion; what is left of single precision is divided out.</summary>
        public static void Orientation(double* to, float x, float y, float z, float w)
        {
            double length = Math.Sqrt((double)x * x + (double)y * y + (double)z * z + (double)w * w);
            to[0] = -x / length;
            to[1] = -y / length;
            to[2] = z / length;
            to[3] = w / length;
        }

        public static void Vector(float* to, float x, float y, float z)
        {
            to[0] = x;
            to[1] = y;
            to[2] = -z;
        }

        /// <summary>An axial vector: a mirror turns it the other way round.</summary>
        public static void AngularVelocity(float* to, float x, float y, float z)
        {
            to[0] = -x;
            to[1] = -y;
            to[2] = z;
        }

        /// <summary>
        /// Sub-pixel jitter, pixels, x right, y down, from two projections (row-major, OpenGL style as Camera.projectionMatrix
        /// is): the offset of the picture's middle on the screen.
        /// </summary>
        public static void Jitter(double* to, float jittered02, float jittered12, float plain02, float plain12, int width, int height)
        {
            to[0] = 0.5 * width * ((double)plain02 - jittered02);
            to[1] = -0.5 * height * ((double)plain12 - jittered12);
        }

        /// <summary>Whether a camera jumped: farther than 5 m, or turned by more than a quarter, in one frame.</summary>
        public static bool HasJumped(in WpPose before, in WpPose now)
        {
            double squared = 0.0, dot = 0.0;
            for (int axis = 0; axis < 3; axis++)
            {
                double step = now.PositionM[axis] - before.PositionM[axis];
                squared += step * step;
            }
            for (int part = 0; part < 4; part++)
            {
                dot += now.Orientation[part] * before.Orientation[part];
            }
            const double farM = 5.0, quarterTurn = Math.PI / 2.0;
            return squared > farM * farM || 2.0 * Math.Acos(Math.Min(1.0, Math.Abs(dot))) > quarterTurn;
        }
    }
}

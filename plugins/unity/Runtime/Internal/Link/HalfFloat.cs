#nullable enable
using System;

namespace Worldplate.Internal
{
    /// <summary>IEEE half floats, which netstandard2.1 has no type for.</summary>
    public static class HalfFloat
    {
        public static float Read(ushort bits)
        {
            int exponent = (bits >> 10) & 31, fraction = bits & 1023;
            double size = exponent == 31 ? (fraction == 0 ? double.PositiveInfinity : double.NaN)
                : exponent == 0 ? fraction * Math.Pow(2.0, -24)
                : (1024 + fraction) * Math.Pow(2.0, exponent - 25);
            return (float)((bits & 0x8000) != 0 ? -size : size);
        }
    }
}

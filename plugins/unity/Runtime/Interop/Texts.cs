#nullable enable
using System;
using System.Text;

namespace Worldplate.Interop
{
    /// <summary>UTF-8 of the library to strings and back. Both allocate: not for every frame.</summary>
    public static unsafe class Texts
    {
        /// <summary>A text of at most `room` bytes that ends at the first zero.</summary>
        public static string Read(byte* text, int room = Native.TextBytes)
        {
            int length = 0;
            while (length < room && text[length] != 0)
            {
                length++;
            }
            return Encoding.UTF8.GetString(text, length);
        }

        /// <summary>With the zero at its end. Raises ArgumentException when the text holds a zero itself.</summary>
        public static byte[] Write(string text)
        {
            if (text.IndexOf('\0') >= 0)
            {
                throw new ArgumentException("the text holds a zero character; leave it out", nameof(text));
            }
            byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
            Encoding.UTF8.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        /// <summary>Why the last call of this thread failed, or what its code means.</summary>
        public static string Why(WpCode code)
        {
            string detail = Read(Native.wp_last_error());
            return detail.Length > 0 ? detail : Read(Native.wp_code_text(code));
        }
    }
}

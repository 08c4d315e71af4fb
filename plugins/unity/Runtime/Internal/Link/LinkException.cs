#nullable enable
using System;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>A link could not be opened or set up. The message names the value, the limit and the setting.</summary>
    public sealed class LinkException : Exception
    {
        public LinkException(WpCode code, string message) : base(message) => Code = code;

        public WpCode Code { get; }
    }
}

#nullable enable
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Worldplate.Interop
{
    /// <summary>
    /// Owns one native client and the memory that its worker thread reads. Both end together, the client first: when this
    /// is disposed, and at the latest when it is finalised, as before a domain is unloaded.
    /// </summary>
    public sealed unsafe class ClientHandle : SafeHandle
    {
        private readonly List<IntPtr> _memory = new List<IntPtr>();

        private ClientHandle(uint id) : base(IntPtr.Zero, true) => SetHandle(new IntPtr(unchecked((int)id)));

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>For calls. The number of a closed client is refused by the library and never touches memory.</summary>
        public WpClient Client => new WpClient { Id = IsClosed ? 0u : unchecked((uint)handle.ToInt32()) };

        /// <summary>Starts a client and its worker. On failure `client` is null and wp_last_error says why.</summary>
        public static WpCode Open(in WpClientDesc desc, out ClientHandle? client)
        {
            WpClient opened;
            WpCode code;
            fixed (WpClientDesc* settings = &desc)
            {
                code = Native.wp_open(settings, &opened);
            }
            client = code == WpCode.Ok ? new ClientHandle(opened.Id) : null;
            return code;
        }

        /// <summary>Zeroed memory that lives until <see cref="Free"/> or the end of the client.</summary>
        public IntPtr Allocate(long bytes)
        {
            IntPtr memory = Marshal.AllocHGlobal(new IntPtr(bytes));
            _memory.Add(memory);
            new Span<byte>((void*)memory, checked((int)bytes)).Clear();
            return memory;
        }

        /// <summary>Only what the worker has released.</summary>
        public void Free(IntPtr memory)
        {
            if (_memory.Remove(memory))
            {
                Marshal.FreeHGlobal(memory);
            }
        }

        protected override bool ReleaseHandle()
        {
            bool closed = Native.wp_close(new WpClient { Id = unchecked((uint)handle.ToInt32()) }) == WpCode.Ok;
            foreach (IntPtr memory in _memory)
            {
                Marshal.FreeHGlobal(memory);
            }
            _memory.Clear();
            return closed;
        }
    }
}

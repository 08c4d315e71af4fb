#nullable enable
using System;
using System.Collections.Generic;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>The pixel buffers of a link. Those of an older size are freed once nobody uses them any more.</summary>
    internal sealed class PixelPool
    {
        private const int FlagBytes = 64;

        private readonly ClientHandle _client;
        private readonly int _count;
        private readonly List<PixelBuffer> _buffers = new List<PixelBuffer>();
        private readonly List<PixelBuffer> _retired = new List<PixelBuffer>();
        private long _bytes;

        public PixelPool(ClientHandle client, int count)
        {
            _client = client;
            _count = count;
        }

        public void Resize(long bytes)
        {
            _retired.AddRange(_buffers);
            _buffers.Clear();
            _bytes = bytes;
            FreeRetired();
        }

        /// <summary>A free buffer, which is then the caller's; null when all are in use.</summary>
        public PixelBuffer? Take()
        {
            if (_retired.Count > 0)
            {
                FreeRetired();
            }
            for (int at = 0; at < _buffers.Count; at++)
            {
                if (_buffers[at].IsFree)
                {
                    _buffers[at].IsTaken = true;
                    return _buffers[at];
                }
            }
            return _buffers.Count < _count ? Add() : null;
        }

        private PixelBuffer Add()
        {
            IntPtr memory = _client.Allocate(PixelBuffer.AlignedBytes(_bytes) + FlagBytes);
            var buffer = new PixelBuffer(memory, _bytes) { IsTaken = true };
            _buffers.Add(buffer);
            return buffer;
        }

        private void FreeRetired()
        {
            for (int at = _retired.Count - 1; at >= 0; at--)
            {
                if (_retired[at].IsFree)
                {
                    _client.Free(_retired[at].Memory);
                    _retired.RemoveAt(at);
                }
            }
        }
    }
}

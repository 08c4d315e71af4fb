#nullable enable
using System;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;
using UnityEngine;
using UnityEngine.Rendering;

namespace Worldplate.Internal
{
    /// <summary>
    /// One read-back at a time: from a pack on the GPU straight into the link's memory, then to the renderer. Used again and
    /// again, so that a frame allocates nothing.
    /// </summary>
    internal sealed unsafe class ReadBack
    {
        readonly Link _link;
        readonly Action<PixelBuffer> _read;
        readonly Action<AsyncGPUReadbackRequest> _done;
        NativeArray<byte> _memory;
        PixelBuffer? _pixels;
#if ENABLE_UNITY_COLLECTIONS_CHECKS
        AtomicSafetyHandle _safety; // the editor's checks want one for memory that is not Unity's
#endif
        ulong _id;

        public ReadBack(Link link, Action<PixelBuffer> read)
        {
            _link = link;
            _read = read;
            _done = OnDone;
        }

        public bool IsUnderWay => _pixels != null;

        public void Record(CommandBuffer cmd, GraphicsBuffer pack, PixelBuffer pixels, ulong id)
        {
            _pixels = pixels;
            _id = id;
            _memory = NativeArrayUnsafeUtility.ConvertExistingDataToNativeArray<byte>(
                (void*)pixels.Memory, (int)pixels.Bytes, Allocator.None);
#if ENABLE_UNITY_COLLECTIONS_CHECKS
            _safety = AtomicSafetyHandle.Create();
            NativeArrayUnsafeUtility.SetAtomicSafetyHandle(ref _memory, _safety);
#endif
            cmd.RequestAsyncReadbackIntoNativeArray(ref _memory, pack, _done);
        }

        /// <summary>Waits for it: before its memory goes.</summary>
        public void Finish()
        {
            if (IsUnderWay)
            {
                AsyncGPUReadback.WaitAllRequests();
            }
            if (_pixels != null)
            {
                _link.Return(_pixels); // it was recorded in commands that were never run
                _pixels = null;
                Let();
            }
        }

        void Let()
        {
            _memory = default;
#if ENABLE_UNITY_COLLECTIONS_CHECKS
            AtomicSafetyHandle.Release(_safety);
#endif
        }

        void OnDone(AsyncGPUReadbackRequest request)
        {
            PixelBuffer? pixels = _pixels;
            _pixels = null;
            if (pixels == null)
            {
                return;
            }
            Let();
            if (request.hasError)
            {
                _link.Return(pixels);
                return;
            }
            _read(pixels);
            _link.Submit(_id, pixels);
        }
    }
}

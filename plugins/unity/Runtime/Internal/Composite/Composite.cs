#nullable enable
using System;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;
using UnityEngine;
using UnityEngine.Rendering;

namespace Worldplate.Internal
{
    /// <summary>
    /// Lays plates over the pipeline's colour, before its post-processing: of the same frame, or carried over from an older
    /// one. Main thread only. Owns the plate's and the carry's buffers.
    /// </summary>
    internal sealed unsafe class Composite : IDisposable
    {
        const int PixelBytes = 8; // RGBA16F

        readonly Link _link;
        readonly Carry _carry = new Carry();
        readonly Material _material = new Material(Capture.Resource<Shader>("WorldplateComposite"));
        readonly MaterialPropertyBlock _values = new MaterialPropertyBlock();
        GraphicsBuffer? _plate;
        GraphicsBuffer _carryBuffer = new GraphicsBuffer(GraphicsBuffer.Target.Raw, Carry.HeadWords, 4);
        ulong _plateId;

        public Composite(Link link) => _link = link;

        /// <summary>`shown`: of Link.Present. `id`: of the frame that was just drawn into `textures.Color`.</summary>
        public void Record(CommandBuffer cmd, in SourceTextures textures, in Picture shown, Capture capture, ulong id)
        {
            GraphicsBuffer? target = capture.PackOf(shown.TargetId);
            bool old = shown.TargetId != id;
            bool plated = shown.PlateId != 0 && capture.PackOf(shown.PlateId) != null && SendPlate(shown) && SendCarry(shown);
            if (target == null || (!plated && !old))
            {
                return; // the engine's own picture is there already
            }
            _values.SetBuffer(TargetPack, target);
            _values.SetBuffer(SourcePack, (plated ? capture.PackOf(shown.PlateId) : null) ?? target);
            _values.SetBuffer(Plate, _plate ?? target);
            _values.SetBuffer(CarryWords, _carryBuffer);
            _values.SetVector(Size, new Vector4(capture.Size.x, capture.Size.y, textures.Size.x, textures.Size.y));
            _values.SetVector(Words, new Vector4(capture.Places[0], capture.Places[1], capture.Places[6], 0.0f));
            _values.SetVector(Mode, new Vector4(plated && shown.PlateId != shown.TargetId ? 1 : 0, old ? 1 : 0, plated ? shown.Strength : 0, textures.IsHdrp ? 1 : 0));
            cmd.SetRenderTarget(textures.Color);
            cmd.SetViewport(new Rect(0, 0, textures.Size.x, textures.Size.y));
            cmd.DrawProcedural(Matrix4x4.identity, _material, old ? 1 : 0, MeshTopology.Triangles, 3, 1, _values);
        }

        public void Dispose()
        {
            _plate?.Dispose();
            _carryBuffer.Dispose();
            UnityEngine.Object.DestroyImmediate(_material);
        }

        // The same plate is not sent twice. False when the renderer has overwritten it meanwhile.
        bool SendPlate(in Picture shown)
        {
            if (shown.PlateId == _plateId)
            {
                return true;
            }
            if (shown.Plate == IntPtr.Zero)
            {
                return false;
            }
            int words = shown.Width * shown.Height * PixelBytes / 4;
            if (_plate == null || _plate.count != words)
            {
                _plate?.Dispose();
                _plate = new GraphicsBuffer(GraphicsBuffer.Target.Raw, words, 4);
            }
            for (int row = 0, rows = RowsAtOnce(shown); row < shown.Height; row += rows)
            {
                SendRows(shown, row, rows);
            }
            _plateId = _link.PlateIsWhole ? shown.PlateId : 0;
            return _plateId != 0;
        }

        static int RowsAtOnce(in Picture shown) => shown.RowPitchBytes == shown.Width * PixelBytes ? shown.Height : 1;

        void SendRows(in Picture shown, int row, int rows)
        {
            int words = rows * shown.Width * PixelBytes / 4;
            void* from = (byte*)shown.Plate + (long)row * shown.RowPitchBytes;
            NativeArray<uint> view = NativeArrayUnsafeUtility.ConvertExistingDataToNativeArray<uint>(from, words, Allocator.None);
#if ENABLE_UNITY_COLLECTIONS_CHECKS
            AtomicSafetyHandle safety = AtomicSafetyHandle.Create();
            NativeArrayUnsafeUtility.SetAtomicSafetyHandle(ref view, safety);
#endif
            _plate!.SetData(view, 0, row * shown.Width * PixelBytes / 4, words);
#if ENABLE_UNITY_COLLECTIONS_CHECKS
            AtomicSafetyHandle.Release(safety);
#endif
        }

        bool SendCarry(in Picture shown)
        {
            if (shown.PlateId == shown.TargetId)
            {
                return true;
            }
            if (!_link.FillCarry(_carry, shown.TargetId, shown.PlateId))
            {
                return false;
            }
            if (_carry.Count > _carryBuffer.count)
            {
                _carryBuffer.Dispose();
                _carryBuffer = new GraphicsBuffer(GraphicsBuffer.Target.Raw, 2 * _carry.Count, 4);
            }
            _carryBuffer.SetData(_carry.Words, 0, 0, _carry.Count);
            return true;
        }

        static readonly int TargetPack = Shader.PropertyToID("_WpTarget");
        static readonly int SourcePack = Shader.PropertyToID("_WpSource");
        static readonly int Plate = Shader.PropertyToID("_WpPlate");
        static readonly int CarryWords = Shader.PropertyToID("_WpCarry");
        static readonly int Size = Shader.PropertyToID("_WpSizes");
        static readonly int Words = Shader.PropertyToID("_WpWords");
        static readonly int Mode = Shader.PropertyToID("_WpMode");
    }
}

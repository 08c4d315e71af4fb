#nullable enable
using System;
using System.Collections.Generic;
using Unity.Collections.LowLevel.Unsafe;
using UnityEngine;
using UnityEngine.Rendering;
using Worldplate.Interop;
using Object = UnityEngine.Object;

namespace Worldplate.Internal
{
    /// <summary>
    /// Packs the planes of a frame into one buffer on the GPU, in the link's layout, and reads it back without a stall. Main
    /// thread only. The packs of the last frames stay, for plates that are of one of them.
    /// </summary>
    internal sealed class Capture : IDisposable
    {
        /// <summary>What Unity gives. Ids, labels and base colour are drawn by a pass of our own: no pipeline has them.</summary>
        public static WpPlane[] Planes => new[]
        {
            Plane(PlaneName.Color, PixelFormat.Rgba16f), Plane(PlaneName.Depth, PixelFormat.R32f),
            Plane(PlaneName.Normal, PixelFormat.Rgba16f), Plane(PlaneName.Motion, PixelFormat.Rg16f),
            Plane(PlaneName.Albedo, PixelFormat.Rgba16f), Plane(PlaneName.Material, PixelFormat.Rg16f),
            Plane(PlaneName.Object, PixelFormat.R32ui), Plane(PlaneName.Label, PixelFormat.R8ui),
        };

        const int SentPacks = 4; // two in flight, one shown, one that is written
        const int FirstThings = 256, ThingBytes = 16;
        const double PlatePatienceMs = 600000.0;

        readonly Link _link;
        readonly int _packCount;
        readonly ComputeShader _shader;
        readonly ThingsPass _thingsPass = new ThingsPass();
        readonly List<Pack> _packs = new List<Pack>();
        readonly List<ReadBack> _readBacks = new List<ReadBack>();
        readonly int[] _places = new int[Planes.Length];
        GraphicsBuffer _table = new GraphicsBuffer(GraphicsBuffer.Target.Raw, FirstThings * 4, 4);
        int _tableVersion;
        Vector2Int _size;

        sealed class Pack
        {
            public Pack(long bytes) => Buffer = new GraphicsBuffer(GraphicsBuffer.Target.Raw, (int)(bytes / 4), 4);

            public readonly GraphicsBuffer Buffer;
            public ulong Id, WasSent;
        }

        /// <summary>Fails with the missing file's name when the package is not whole.</summary>
        public Capture(Link link, Vector2Int size, int delayFrames)
        {
            _link = link;
            _packCount = SentPacks + 2 + delayFrames;
            _shader = Resource<ComputeShader>("WorldplatePack");
            Resize(size);
        }

        public Things Things { get; } = new Things();

        /// <summary>Of a frame: words before each plane of Planes in a pack.</summary>
        public int[] Places => _places;

        public Vector2Int Size => _size;

        public event Action<IntPtr, WpPlanePlace[], Vector2Int>? PlanesRead;

        public static T Resource<T>(string name) where T : Object
        {
            T found = Resources.Load<T>("Worldplate/" + name);
            return found != null ? found : throw new LinkException(WpCode.Internal, name + " is missing: install the package again.");
        }

        /// <summary>No read-back may be under way.</summary>
        public void Resize(Vector2Int size)
        {
            _size = size;
            foreach (Pack pack in _packs)
            {
                pack.Buffer.Dispose();
            }
            _packs.Clear();
            _readBacks.Clear(); // their pixel buffers are the link's, and of another size now
            for (int at = 0; at < _places.Length; at++)
            {
                _places[at] = (int)(_link.Places[at].OffsetBytes / 4);
            }
        }

        /// <summary>The pack of a frame; null when it is no longer kept.</summary>
        public GraphicsBuffer? PackOf(ulong id) => _packs.Find(pack => pack.Id == id)?.Buffer;

        /// <summary>Packs the frame `id` and, when the renderer wants it, starts to read it back.</summary>
        public void Record(CommandBuffer cmd, in SourceTextures textures, CameraView view, ulong id)
        {
            UploadTable();
            _thingsPass.Record(cmd, Things, view, textures.Size);
            Pack pack = NextPack(id);
            PackShader.Record(cmd, _shader, textures, view, _thingsPass, _table, pack.Buffer, _places, _size);
            bool wanted = _link.WantsPixels || PlanesRead != null;
            if (!wanted || !(_link.TakeBuffer() is PixelBuffer pixels))
            {
                return;
            }
            pack.WasSent = id;
            NextReadBack().Record(cmd, pack.Buffer, pixels, id);
        }

        /// <summary>For films: until the plate of `delayFrames` before `id` is there.</summary>
        public void WaitForPlate(ulong id, int delayFrames)
        {
            WaitForReadBacks();
            if (id > (ulong)delayFrames)
            {
                _link.Wait(id - (ulong)delayFrames, PlatePatienceMs);
            }
        }

        public void WaitForReadBacks()
        {
            foreach (ReadBack readBack in _readBacks)
            {
                readBack.Finish();
            }
        }

        public void Dispose()
        {
            WaitForReadBacks();
            foreach (Pack pack in _packs)
            {
                pack.Buffer.Dispose();
            }
            _table.Dispose();
            _thingsPass.Dispose();
        }

        void UploadTable()
        {
            if (_tableVersion == Things.Version)
            {
                return;
            }
            _tableVersion = Things.Version;
            if (Things.Table.Length > _table.count)
            {
                _table.Dispose();
                _table = new GraphicsBuffer(GraphicsBuffer.Target.Raw, 2 * Things.Table.Length, 4);
            }
            _table.SetData(Things.Table);
        }

        // The oldest goes, but not one whose plate may still come or is shown.
        Pack NextPack(ulong id)
        {
            if (_packs.Count < _packCount)
            {
                _packs.Add(new Pack(_link.PixelBytes));
                _packs[_packs.Count - 1].Id = id;
                return _packs[_packs.Count - 1];
            }
            ulong oldestSent = OldestSentToKeep();
            Pack oldest = _packs[0];
            ulong least = ulong.MaxValue;
            foreach (Pack pack in _packs)
            {
                bool kept = pack.WasSent != 0 && pack.WasSent >= oldestSent;
                if (!kept && pack.Id < least)
                {
                    oldest = pack;
                    least = pack.Id;
                }
            }
            oldest.Id = id;
            oldest.WasSent = 0;
            return oldest;
        }

        // The SentPacks-th newest of those that were sent.
        ulong OldestSentToKeep()
        {
            ulong limit = ulong.MaxValue;
            for (int kept = 0; kept < SentPacks; kept++)
            {
                ulong next = 0;
                foreach (Pack pack in _packs)
                {
                    next = pack.WasSent < limit && pack.WasSent > next ? pack.WasSent : next;
                }
                if (next == 0)
                {
                    break;
                }
                limit = next;
            }
            return limit;
        }

        ReadBack NextReadBack()
        {
            foreach (ReadBack readBack in _readBacks)
            {
                if (!readBack.IsUnderWay)
                {
                    return readBack;
                }
            }
            var added = new ReadBack(_link, Announce);
            _readBacks.Add(added);
            return added;
        }

        void Announce(PixelBuffer pixels) => PlanesRead?.Invoke(pixels.Memory, _link.Places, _size);

        static WpPlane Plane(PlaneName name, PixelFormat format) => new WpPlane { Name = name, Format = format };
    }
}

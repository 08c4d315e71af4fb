#nullable enable
using System;
using UnityEngine;
using UnityEngine.Rendering;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>The textures of a frame as the pipeline has drawn it, row 0 the picture's lowest, as Unity keeps its targets.</summary>
    internal struct SourceTextures
    {
        public RenderTargetIdentifier Color, Depth, Normal, Motion;

        /// <summary>Of the camera's view, pixels.</summary>
        public Vector2Int Size;

        /// <summary>Texture arrays, octahedral normals, exposure to divide out: as HDRP keeps them.</summary>
        public bool IsHdrp;

        /// <summary>Octahedral normals in URP: its Accurate G-buffer normals.</summary>
        public bool OctahedralNormals;
    }

    /// <summary>
    /// One frame after the other of one camera: Capture, Link, Composite. Main thread only. Owns all three, from the stream's
    /// start to its stop; nothing of it is static.
    /// </summary>
    internal sealed class StreamSession : IDisposable
    {
        readonly WorldplateStream _stream;
        readonly CameraView _view;
        readonly Capture _capture;
        readonly BodyGatherer _bodies;
        readonly Composite _composite;
        Vector2Int _size;
        bool _cut = true;

        public StreamSession(Camera camera, WorldplateStream stream)
        {
            _stream = stream;
            _view = new CameraView(camera);
            _size = WantedSize(new Vector2Int(camera.pixelWidth, camera.pixelHeight));
            Link = Link.Open(new LinkSettings
            {
                Width = _size.x, Height = _size.y, Planes = Capture.Planes,
                Sync = stream.Sync == StreamSync.Delayed ? SyncMode.Delayed : SyncMode.Freerun,
                Late = stream.Late, DelayFrames = stream.DelayFrames, Seed = stream.WorldSeed,
                Engine = "Unity " + Application.unityVersion, ConnectionFile = stream.ConnectionFile,
            });
            _capture = new Capture(Link, _size, stream.Sync == StreamSync.Delayed ? stream.DelayFrames : 0);
            _bodies = new BodyGatherer(_capture.Things);
            _composite = new Composite(Link);
        }

        public Link Link { get; }

        /// <summary>What is on the screen.</summary>
        public Picture Picture { get; private set; }

        public void Cut() => _cut = true;

        /// <summary>The planes of the next frames, for the editor's thumbnails and self-test: whole, in the link's layout.</summary>
        public event Action<IntPtr, WpPlanePlace[], Vector2Int>? PlanesRead
        {
            add => _capture.PlanesRead += value;
            remove => _capture.PlanesRead -= value;
        }

        /// <summary>Once a tick, before rendering: looks after bodies and things that came and went.</summary>
        public void Update()
        {
            _capture.Things.Refresh();
            _bodies.Refresh();
        }

        /// <summary>One frame: records its capture, and the plate over it, into `cmd`.</summary>
        public void Render(CommandBuffer cmd, in SourceTextures textures)
        {
            Resize(WantedSize(textures.Size));
            bool reset = _view.Advance(_size, _cut);
            _cut = false;
            ulong id = Link.BeginFrame(_view.Canonical, _bodies.Gather(reset), reset ? Reset.Cut : Reset.None, _stream.WorldSeed);
            if (id == 0)
            {
                return;
            }
            _capture.Record(cmd, textures, _view, id);
            if (_stream.WaitForPlates && _stream.Sync == StreamSync.Delayed)
            {
                _capture.WaitForPlate(id, _stream.DelayFrames);
            }
            Picture shown = Link.Present();
            Picture = shown.TargetId != 0 ? shown : Picture.WithoutPixels(); // nothing new: the last one stays over what was just drawn
            _composite.Record(cmd, textures, Picture, _capture, id);
        }

        public void Dispose()
        {
            _bodies.Dispose();
            _capture.Dispose(); // waits for read-backs: they write into the link's memory
            _composite.Dispose();
            Link.Dispose();
        }

        void Resize(Vector2Int size)
        {
            if (size == _size)
            {
                return;
            }
            _size = size;
            _capture.WaitForReadBacks();
            Link.Resize(size.x, size.y);
            _capture.Resize(size);
            Picture = default;
            _cut = true;
        }

        Vector2Int WantedSize(Vector2Int drawn)
        {
            if (_stream.FixedSize.x > 0 && _stream.FixedSize.y > 0)
            {
                return _stream.FixedSize;
            }
            int width = Mathf.Max(1, Mathf.RoundToInt(drawn.x * _stream.ResolutionScale));
            return new Vector2Int(width, Mathf.Max(1, Mathf.RoundToInt(drawn.y * _stream.ResolutionScale)));
        }
    }
}

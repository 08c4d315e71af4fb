#nullable enable
using System;
using UnityEditor;
using UnityEngine;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Editor
{
    /// <summary>Small pictures of four planes, twice a second and only while they are drawn.</summary>
    sealed unsafe class Thumbnails : IDisposable
    {
        const int Width = 160, Height = 90;
        const double PeriodS = 0.5;

        static readonly PlaneName[] Shown = { PlaneName.Color, PlaneName.Depth, PlaneName.Normal, PlaneName.Albedo };

        readonly byte[] _pixels = new byte[4 * Width * Height];
        Texture2D[]? _pictures;
        StreamSession? _session;
        double _dueS;

        /// <summary>Asks the stream's session for planes from the first call on.</summary>
        public void Draw(WorldplateStream stream)
        {
            if (stream.Session != _session)
            {
                Leave();
                _session = stream.Session;
                if (_session != null)
                {
                    _session.PlanesRead += OnPlanes;
                }
            }
            if (_pictures == null)
            {
                return;
            }
            for (int at = 0; at < Shown.Length; at++)
            {
                EditorGUILayout.LabelField(Shown[at].ToString(), EditorStyles.miniLabel);
                EditorGUI.DrawPreviewTexture(GUILayoutUtility.GetRect(Width, Height), _pictures[at]);
            }
        }

        public void Dispose()
        {
            Leave();
            foreach (Texture2D picture in _pictures ?? Array.Empty<Texture2D>())
            {
                UnityEngine.Object.DestroyImmediate(picture);
            }
            _pictures = null;
        }

        void Leave()
        {
            if (_session != null)
            {
                _session.PlanesRead -= OnPlanes;
                _session = null;
            }
        }

        void OnPlanes(IntPtr pixels, WpPlanePlace[] places, Vector2Int size)
        {
            if (EditorApplication.timeSinceStartup < _dueS)
            {
                return;
            }
            _dueS = EditorApplication.timeSinceStartup + PeriodS;
            _pictures ??= Array.ConvertAll(Shown, _ => new Texture2D(Width, Height, TextureFormat.RGBA32, false));
            for (int at = 0; at < Shown.Length; at++)
            {
                WpPlanePlace place = Array.Find(places, each => each.Name == Shown[at]);
                Paint((byte*)pixels + place.OffsetBytes, place, size);
                _pictures[at].SetPixelData(_pixels, 0);
                _pictures[at].Apply(false);
            }
        }

        // A texture's first row is its lowest.
        void Paint(byte* plane, in WpPlanePlace place, Vector2Int size)
        {
            for (int y = 0; y < Height; y++)
            {
                byte* row = plane + (long)((Height - 1 - y) * size.y / Height) * place.RowPitchBytes;
                for (int x = 0; x < Width; x++)
                {
                    int column = x * size.x / Width, to = 4 * (y * Width + x);
                    for (int channel = 0; channel < 3; channel++)
                    {
                        _pixels[to + channel] = Level(row, place, column, channel);
                    }
                    _pixels[to + 3] = 255;
                }
            }
        }

        static byte Level(byte* row, in WpPlanePlace place, int column, int channel)
        {
            if (place.Name == PlaneName.Depth)
            {
                float depthM = ((float*)row)[column];
                return (byte)(255.0f / (1.0f + 0.1f * depthM)); // near is white, nothing black
            }
            float value = HalfFloat.Read(((ushort*)row)[4 * column + channel]);
            float shown = place.Name == PlaneName.Normal ? 0.5f + 0.5f * value : (float)Math.Pow(Math.Max(0.0f, value), 1.0 / 2.2);
            return (byte)(255.0f * Math.Min(1.0f, shown));
        }
    }
}

#nullable enable
using System;
using UnityEngine;
using UnityEngine.Experimental.Rendering;
using UnityEngine.Rendering;

namespace Worldplate.Internal
{
    /// <summary>
    /// Draws what no pipeline keeps: for each pixel the index of the thing that is seen there, and its base colour. With the
    /// camera's own jittered projection, so that it lies on the depth. Owns its targets.
    /// </summary>
    internal sealed class ThingsPass : IDisposable
    {
        readonly Material _material = new Material(Capture.Resource<Shader>("WorldplateThings"));
        readonly Plane[] _frustum = new Plane[6];
        readonly RenderTargetIdentifier[] _targets = new RenderTargetIdentifier[2];
        RenderTexture? _depth;

        public RenderTexture? Index { get; private set; }
        public RenderTexture? Albedo { get; private set; }

        public void Record(CommandBuffer cmd, Things things, CameraView view, Vector2Int size)
        {
            MakeTargets(size);
            Camera camera = view.Camera;
            GeometryUtility.CalculateFrustumPlanes(camera, _frustum);
            cmd.SetRenderTarget(_targets, new RenderTargetIdentifier(_depth!));
            cmd.ClearRenderTarget(true, true, Color.clear);
            Matrix4x4 device = GL.GetGPUProjectionMatrix(camera.projectionMatrix, true);
            cmd.SetGlobalMatrix(ClipFromWorld, device * camera.worldToCameraMatrix);
            for (int at = 0; at < things.All.Count; at++)
            {
                Things.Thing thing = things.All[at];
                if (IsSeen(thing.Renderer, camera))
                {
                    Draw(cmd, thing, at + 1);
                }
            }
        }

        public void Dispose()
        {
            Free();
            UnityEngine.Object.DestroyImmediate(_material);
        }

        bool IsSeen(Renderer renderer, Camera camera) =>
            renderer != null && renderer.enabled && renderer.gameObject.activeInHierarchy
            && (camera.cullingMask & (1 << renderer.gameObject.layer)) != 0
            && renderer.shadowCastingMode != ShadowCastingMode.ShadowsOnly
            && GeometryUtility.TestPlanesAABB(_frustum, renderer.bounds);

        void Draw(CommandBuffer cmd, in Things.Thing thing, int index)
        {
            cmd.SetGlobalInteger(ThingIndex, index);
            cmd.SetGlobalVector(ThingColor, thing.Color);
            cmd.SetGlobalVector(ThingScaleOffset, thing.ScaleOffset);
            cmd.SetGlobalFloat(ThingCutoff, thing.Cutoff);
            cmd.SetGlobalTexture(ThingTexture, thing.Texture != null ? thing.Texture : Texture2D.whiteTexture);
            cmd.DrawRenderer(thing.Renderer, _material, thing.Submesh, 0);
        }

        void MakeTargets(Vector2Int size)
        {
            if (Index != null && Index.width == size.x && Index.height == size.y)
            {
                return;
            }
            Free();
            Index = Target(size, GraphicsFormat.R32_UInt, 0);
            Albedo = Target(size, GraphicsFormat.R8G8B8A8_SRGB, 0);
            _depth = new RenderTexture(size.x, size.y, 32, RenderTextureFormat.Depth);
            _depth.Create();
            _targets[0] = new RenderTargetIdentifier(Index);
            _targets[1] = new RenderTargetIdentifier(Albedo);
        }

        static RenderTexture Target(Vector2Int size, GraphicsFormat format, int depthBits)
        {
            var target = new RenderTexture(size.x, size.y, depthBits, format) { filterMode = FilterMode.Point };
            target.Create();
            return target;
        }

        void Free()
        {
            foreach (RenderTexture? target in new[] { Index, Albedo, _depth })
            {
                if (target != null)
                {
                    target.Release();
                    UnityEngine.Object.DestroyImmediate(target);
                }
            }
        }

        static readonly int ClipFromWorld = Shader.PropertyToID("_WpClipFromWorld");
        static readonly int ThingIndex = Shader.PropertyToID("_WpThingIndex");
        static readonly int ThingColor = Shader.PropertyToID("_WpThingColor");
        static readonly int ThingScaleOffset = Shader.PropertyToID("_WpThingScaleOffset");
        static readonly int ThingCutoff = Shader.PropertyToID("_WpThingCutoff");
        static readonly int ThingTexture = Shader.PropertyToID("_WpThingTexture");
    }
}

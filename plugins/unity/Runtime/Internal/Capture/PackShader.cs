#nullable enable
using UnityEngine;
using UnityEngine.Rendering;

namespace Worldplate.Internal
{
    /// <summary>The call of WorldplatePack.compute: the pipeline's textures to canonical planes in one buffer.</summary>
    internal static class PackShader
    {
        const int Group = 8; // pixels along each side of a workgroup

        public static void Record(
            CommandBuffer cmd, ComputeShader shader, in SourceTextures textures, CameraView view, ThingsPass things,
            GraphicsBuffer table, GraphicsBuffer pack, int[] places, Vector2Int size)
        {
            int kernel = shader.FindKernel(textures.IsHdrp ? "PackHdrp" : "PackUrp");
            cmd.SetComputeTextureParam(shader, kernel, ColorTexture, textures.Color);
            cmd.SetComputeTextureParam(shader, kernel, DepthTexture, textures.Depth);
            cmd.SetComputeTextureParam(shader, kernel, NormalTexture, textures.Normal);
            cmd.SetComputeTextureParam(shader, kernel, MotionTexture, textures.Motion);
            cmd.SetComputeTextureParam(shader, kernel, IndexTexture, new RenderTargetIdentifier(things.Index!));
            cmd.SetComputeTextureParam(shader, kernel, AlbedoTexture, new RenderTargetIdentifier(things.Albedo!));
            cmd.SetComputeBufferParam(shader, kernel, ThingTable, table);
            cmd.SetComputeBufferParam(shader, kernel, PackBuffer, pack);
            cmd.SetComputeIntParams(shader, Size, size.x, size.y, textures.Size.x, textures.Size.y);
            cmd.SetComputeIntParams(shader, PlacesA, places[0], places[1], places[2], places[3]);
            cmd.SetComputeIntParams(shader, PlacesB, places[4], places[5], places[6], places[7]);
            cmd.SetComputeIntParam(shader, MotionKnown, view.MotionKnown ? 1 : 0);
            cmd.SetComputeIntParam(shader, OctahedralNormals, textures.IsHdrp || textures.OctahedralNormals ? 1 : 0);
            Camera camera = view.Camera;
            cmd.SetComputeVectorParam(shader, NearFar, new Vector4(camera.nearClipPlane, camera.farClipPlane, 0.0f, 0.0f));
            cmd.DispatchCompute(shader, kernel, (size.x + Group - 1) / Group, (size.y + Group - 1) / Group, 1);
        }

        static readonly int ColorTexture = Shader.PropertyToID("_WpColor");
        static readonly int DepthTexture = Shader.PropertyToID("_WpDepth");
        static readonly int NormalTexture = Shader.PropertyToID("_WpNormal");
        static readonly int MotionTexture = Shader.PropertyToID("_WpMotion");
        static readonly int IndexTexture = Shader.PropertyToID("_WpIndex");
        static readonly int AlbedoTexture = Shader.PropertyToID("_WpAlbedo");
        static readonly int ThingTable = Shader.PropertyToID("_WpThings");
        static readonly int PackBuffer = Shader.PropertyToID("_WpPack");
        static readonly int Size = Shader.PropertyToID("_WpSize");
        static readonly int PlacesA = Shader.PropertyToID("_WpPlacesA");
        static readonly int PlacesB = Shader.PropertyToID("_WpPlacesB");
        static readonly int MotionKnown = Shader.PropertyToID("_WpMotionKnown");
        static readonly int OctahedralNormals = Shader.PropertyToID("_WpOctahedralNormals");
        static readonly int NearFar = Shader.PropertyToID("_WpNearFar");
    }
}

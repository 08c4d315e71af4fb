#nullable enable
using UnityEngine;
using UnityEngine.Rendering;
using UnityEngine.Rendering.RenderGraphModule;
using UnityEngine.Rendering.Universal;
using Worldplate.Internal;

namespace Worldplate.Urp
{
    /// <summary>Captures and composites for cameras that have a WorldplateStream: add it to the URP renderer.</summary>
    [DisallowMultipleRendererFeature("Worldplate")]
    public sealed class WorldplateUrpFeature : ScriptableRendererFeature
    {
        StreamPass? _pass;

        public override void Create() => _pass = new StreamPass();

        public override void AddRenderPasses(ScriptableRenderer renderer, ref RenderingData renderingData)
        {
            Camera camera = renderingData.cameraData.camera;
            if (_pass != null && camera.TryGetComponent(out WorldplateStream stream) && stream.Session != null)
            {
                renderer.EnqueuePass(_pass);
            }
        }

        /// <summary>Before post-processing: the model gets scene-linear light, and the engine tone-maps the plate.</summary>
        sealed class StreamPass : ScriptableRenderPass
        {
            public StreamPass()
            {
                renderPassEvent = RenderPassEvent.BeforeRenderingPostProcessing;
                requiresIntermediateTexture = true;
                ConfigureInput(
                    ScriptableRenderPassInput.Depth | ScriptableRenderPassInput.Normal | ScriptableRenderPassInput.Motion
                    | ScriptableRenderPassInput.Color);
            }

            sealed class PassData
            {
                public StreamSession? Session;
                public TextureHandle Color, Depth, Normal, Motion;
                public Vector2Int Size;
            }

            public override void RecordRenderGraph(RenderGraph renderGraph, ContextContainer frameData)
            {
                UniversalResourceData resources = frameData.Get<UniversalResourceData>();
                UniversalCameraData camera = frameData.Get<UniversalCameraData>();
                bool found = camera.camera.TryGetComponent(out WorldplateStream stream);
                bool whole = resources.cameraDepthTexture.IsValid() && resources.cameraNormalsTexture.IsValid()
                    && resources.motionVectorColor.IsValid() && !resources.isActiveTargetBackBuffer;
                if (!found || stream.Session == null || !whole)
                {
                    return;
                }
                using (IUnsafeRenderGraphBuilder builder = renderGraph.AddUnsafePass("Worldplate", out PassData data))
                {
                    data.Session = stream.Session;
                    data.Size = new Vector2Int(camera.cameraTargetDescriptor.width, camera.cameraTargetDescriptor.height);
                    data.Color = resources.activeColorTexture;
                    data.Depth = resources.cameraDepthTexture;
                    data.Normal = resources.cameraNormalsTexture;
                    data.Motion = resources.motionVectorColor;
                    builder.UseTexture(data.Color, AccessFlags.ReadWrite);
                    builder.UseTexture(data.Depth, AccessFlags.Read);
                    builder.UseTexture(data.Normal, AccessFlags.Read);
                    builder.UseTexture(data.Motion, AccessFlags.Read);
                    builder.AllowPassCulling(false);
                    builder.AllowGlobalStateModification(true);
                    builder.SetRenderFunc((PassData pass, UnsafeGraphContext context) => Run(pass, context));
                }
            }

            static void Run(PassData pass, UnsafeGraphContext context)
            {
                CommandBuffer cmd = CommandBufferHelpers.GetNativeCommandBuffer(context.cmd);
                var textures = new SourceTextures
                {
                    Color = pass.Color, Depth = pass.Depth, Normal = pass.Normal, Motion = pass.Motion, Size = pass.Size,
                    OctahedralNormals = Shader.IsKeywordEnabled("_GBUFFER_NORMALS_OCT"),
                };
                pass.Session!.Render(cmd, textures);
            }
        }
    }
}

#nullable enable
using UnityEngine;
using UnityEngine.Rendering.HighDefinition;
using Worldplate.Internal;

namespace Worldplate.Hdrp
{
    /// <summary>
    /// Captures and composites for cameras that have a WorldplateStream: in a global Custom Pass Volume, injected Before Post
    /// Process.
    /// </summary>
    [System.Serializable]
    public sealed class WorldplateHdrpPass : CustomPass
    {
        protected override bool executeInSceneView => false;

        protected override void Execute(CustomPassContext ctx)
        {
            HDCamera camera = ctx.hdCamera;
            if (!camera.camera.TryGetComponent(out WorldplateStream stream) || stream.Session == null)
            {
                return;
            }
            var textures = new SourceTextures
            {
                Color = ctx.cameraColorBuffer, Depth = ctx.cameraDepthBuffer, Normal = ctx.cameraNormalBuffer,
                Motion = ctx.cameraMotionVectorsBuffer, Size = new Vector2Int(camera.actualWidth, camera.actualHeight), IsHdrp = true,
            };
            stream.Session.Render(ctx.cmd, textures);
        }
    }
}

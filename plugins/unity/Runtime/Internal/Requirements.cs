#nullable enable
using System;
using UnityEngine;
using UnityEngine.Rendering;

namespace Worldplate.Internal
{
    /// <summary>What keeps a stream from running, in words for its user. The wizard in Editor/ offers the fixes.</summary>
    public static class Requirements
    {
        public const string NoLibrary =
            "The native library is missing: run `worldplate plugin install unity` on this project's folder again, and restart the editor.";

        public const string BuiltIn =
            "The Built-in render pipeline is not supported: it is deprecated, and gives no motion and normals in a form that can be "
            + "captured. Choose URP or HDRP in Project Settings > Graphics.";

        /// <summary>The first fault, or "".</summary>
        public static string FindTrouble(Camera camera)
        {
            if (PipelineName().Length == 0)
            {
                return BuiltIn;
            }
            string api = FindApiTrouble();
            if (api.Length > 0)
            {
                return api;
            }
            if (camera.orthographic)
            {
                return "The camera is orthographic; plates need a perspective camera.";
            }
            return camera.stereoEnabled ? "The camera draws for two eyes; plates are for one view only." : "";
        }

        /// <summary>"URP", "HDRP", or "" for Built-in and others.</summary>
        public static string PipelineName()
        {
            string name = GraphicsSettings.currentRenderPipeline != null ? GraphicsSettings.currentRenderPipeline.GetType().Name : "";
            return name == "UniversalRenderPipelineAsset" ? "URP" : name == "HDRenderPipelineAsset" ? "HDRP" : "";
        }

        /// <summary>What this graphics API lacks, or "".</summary>
        public static string FindApiTrouble()
        {
            if (!SystemInfo.supportsComputeShaders || !SystemInfo.supportsAsyncGPUReadback)
            {
                return SystemInfo.graphicsDeviceType + " has no compute shaders or read-backs: choose Direct3D 12, Vulkan or Metal.";
            }
            return SystemInfo.usesReversedZBuffer && SystemInfo.graphicsUVStartsAtTop
                ? ""
                : SystemInfo.graphicsDeviceType + " keeps depth the other way round: choose Direct3D 12, Vulkan or Metal.";
        }
    }
}

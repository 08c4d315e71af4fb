// What the plugin uses of Unity's rendering, URP 17 and HDRP 17, declared for a compiler. See Engine.cs.
#nullable disable
#pragma warning disable CS0067, CS0169, CS0649, CS0660, CS0661, CS0626, CS0824
using System;
using Unity.Collections;
using UnityEngine.Experimental.Rendering;
using UnityEngine.Rendering;
using UnityEngine.Rendering.RenderGraphModule;

namespace UnityEngine
{
    public class Texture : Object { public int width { get; set; } public int height { get; set; } public FilterMode filterMode { get; set; } }

    public class Texture2D : Texture
    {
        public Texture2D(int width, int height, TextureFormat textureFormat, bool mipChain) => throw null;
        public static Texture2D whiteTexture => throw null;
        public void SetPixelData<T>(T[] data, int mipLevel, int sourceDataStartIndex = 0) => throw null;
        public void Apply(bool updateMipmaps) => throw null;
    }

    public class RenderTexture : Texture
    {
        public RenderTexture(int width, int height, int depth, GraphicsFormat format) => throw null;
        public RenderTexture(int width, int height, int depth, RenderTextureFormat format) => throw null;
        public bool Create() => throw null;
        public void Release() => throw null;
    }

    public enum FilterMode { Point, Bilinear, Trilinear }
    public enum RenderTextureFormat { ARGB32, Depth }
    public enum TextureFormat { RGBA32 = 4 }
    public enum MeshTopology { Triangles }

    public class Shader : Object
    {
        public static int PropertyToID(string name) => throw null;
        public static bool IsKeywordEnabled(string keyword) => throw null;
    }

    public class ComputeShader : Object { public int FindKernel(string name) => throw null; }

    public class Material : Object
    {
        public Material(Shader shader) => throw null;
        public Color color { get; set; }
        public int renderQueue { get; set; }
        public void SetColor(string name, Color value) => throw null;
        public bool HasFloat(int nameID) => throw null;
        public bool HasColor(int nameID) => throw null;
        public bool HasTexture(int nameID) => throw null;
        public float GetFloat(int nameID) => throw null;
        public Color GetColor(int nameID) => throw null;
        public Texture GetTexture(int nameID) => throw null;
        public Vector2 GetTextureScale(int nameID) => throw null;
        public Vector2 GetTextureOffset(int nameID) => throw null;
        public bool IsKeywordEnabled(string keyword) => throw null;
    }

    public class MaterialPropertyBlock
    {
        public void SetBuffer(int nameID, GraphicsBuffer value) => throw null;
        public void SetVector(int nameID, Vector4 value) => throw null;
    }

    public sealed class GraphicsBuffer : IDisposable
    {
        [Flags] public enum Target { Raw = 32 }
        public GraphicsBuffer(Target target, int count, int stride) => throw null;
        public int count => throw null;
        public void Dispose() => throw null;
        public void SetData(Array data) => throw null;
        public void SetData(Array data, int managedBufferStartIndex, int graphicsBufferStartIndex, int count) => throw null;
        public void SetData<T>(NativeArray<T> data, int nativeBufferStartIndex, int graphicsBufferStartIndex, int count) where T : struct => throw null;
    }

    public static class GL { public static Matrix4x4 GetGPUProjectionMatrix(Matrix4x4 proj, bool renderIntoTexture) => throw null; }

    public static class SystemInfo
    {
        public static GraphicsDeviceType graphicsDeviceType => throw null;
        public static bool supportsComputeShaders => throw null;
        public static bool supportsAsyncGPUReadback => throw null;
        public static bool usesReversedZBuffer => throw null;
        public static bool graphicsUVStartsAtTop => throw null;
    }
}

namespace UnityEngine.Experimental.Rendering
{
    public enum GraphicsFormat { R8G8B8A8_SRGB = 4, R32_UInt = 33, R16G16B16A16_SFloat = 48 }
}

namespace UnityEngine.Rendering
{
    public enum GraphicsDeviceType { Direct3D11 = 2, Metal = 16, OpenGLCore = 17, Direct3D12 = 18, Vulkan = 21 }
    public enum ShadowCastingMode { Off, On, TwoSided, ShadowsOnly }

    public class RenderPipelineAsset : ScriptableObject { }

    public static class GraphicsSettings
    {
        public static RenderPipelineAsset currentRenderPipeline => throw null;
        public static RenderPipelineAsset defaultRenderPipeline { get; set; }
    }

    public struct RenderTargetIdentifier
    {
        public RenderTargetIdentifier(Texture tex) => throw null;
        public static implicit operator RenderTargetIdentifier(Texture tex) => throw null;
    }

    public struct AsyncGPUReadbackRequest { public bool hasError => throw null; }
    public static class AsyncGPUReadback { public static void WaitAllRequests() => throw null; }

    public class CommandBuffer : IDisposable
    {
        public void Dispose() => throw null;
        public void SetRenderTarget(RenderTargetIdentifier rt) => throw null;
        public void SetRenderTarget(RenderTargetIdentifier[] colors, RenderTargetIdentifier depth) => throw null;
        public void SetViewport(Rect pixelRect) => throw null;
        public void ClearRenderTarget(bool clearDepth, bool clearColor, Color backgroundColor) => throw null;
        public void SetGlobalMatrix(int nameID, Matrix4x4 value) => throw null;
        public void SetGlobalInteger(int nameID, int value) => throw null;
        public void SetGlobalVector(int nameID, Vector4 value) => throw null;
        public void SetGlobalFloat(int nameID, float value) => throw null;
        public void SetGlobalTexture(int nameID, RenderTargetIdentifier value) => throw null;
        public void DrawRenderer(Renderer renderer, Material material, int submeshIndex, int shaderPass) => throw null;
        public void DrawProcedural(Matrix4x4 matrix, Material material, int shaderPass, MeshTopology topology, int vertexCount, int instanceCount, MaterialPropertyBlock properties) => throw null;
        public void SetComputeTextureParam(ComputeShader computeShader, int kernelIndex, int nameID, RenderTargetIdentifier rt) => throw null;
        public void SetComputeBufferParam(ComputeShader computeShader, int kernelIndex, int nameID, GraphicsBuffer buffer) => throw null;
        public void SetComputeIntParams(ComputeShader computeShader, int nameID, params int[] values) => throw null;
        public void SetComputeIntParam(ComputeShader computeShader, int nameID, int val) => throw null;
        public void SetComputeVectorParam(ComputeShader computeShader, int nameID, Vector4 val) => throw null;
        public void DispatchCompute(ComputeShader computeShader, int kernelIndex, int threadGroupsX, int threadGroupsY, int threadGroupsZ) => throw null;
        public void RequestAsyncReadbackIntoNativeArray<T>(ref NativeArray<T> output, GraphicsBuffer src, Action<AsyncGPUReadbackRequest> callback) where T : struct => throw null;
    }

    public class UnsafeCommandBuffer { }
    public static class CommandBufferHelpers { public static CommandBuffer GetNativeCommandBuffer(UnsafeCommandBuffer baseBuffer) => throw null; }
    public class RTHandle { public static implicit operator RenderTargetIdentifier(RTHandle handle) => throw null; }
    public class ContextContainer { public T Get<T>() where T : class => throw null; }
}

namespace UnityEngine.Rendering.RenderGraphModule
{
    [Flags] public enum AccessFlags { None = 0, Read = 1, Write = 2, Discard = 4, ReadWrite = 3 }

    public struct TextureHandle
    {
        public bool IsValid() => throw null;
        public static implicit operator RenderTargetIdentifier(TextureHandle texture) => throw null;
    }

    public class UnsafeGraphContext { public UnsafeCommandBuffer cmd; }
    public delegate void BaseRenderFunc<PassData, ContextType>(PassData data, ContextType renderGraphContext) where PassData : class, new();

    public interface IUnsafeRenderGraphBuilder : IDisposable
    {
        void UseTexture(in TextureHandle input, AccessFlags flags = AccessFlags.Read);
        void AllowPassCulling(bool value);
        void AllowGlobalStateModification(bool value);
        void SetRenderFunc<PassData>(BaseRenderFunc<PassData, UnsafeGraphContext> renderFunc) where PassData : class, new();
    }

    public class RenderGraph
    {
        public IUnsafeRenderGraphBuilder AddUnsafePass<PassData>(string passName, out PassData passData, string file = "", int line = 0) where PassData : class, new() => throw null;
    }
}

namespace UnityEngine.Rendering.Universal
{
    [AttributeUsage(AttributeTargets.Class)]
    public class DisallowMultipleRendererFeature : Attribute { public DisallowMultipleRendererFeature(string customTitle = null) { } }

    public class ScriptableRenderer { public void EnqueuePass(ScriptableRenderPass pass) => throw null; }
    public struct CameraData { public Camera camera; }
    public struct RenderingData { public CameraData cameraData; }
    public enum RenderPassEvent { BeforeRenderingPostProcessing = 550 }
    [Flags] public enum ScriptableRenderPassInput { None = 0, Depth = 1, Normal = 2, Color = 4, Motion = 8 }

    public abstract class ScriptableRendererFeature : ScriptableObject, IDisposable
    {
        public abstract void Create();
        public abstract void AddRenderPasses(ScriptableRenderer renderer, ref RenderingData renderingData);
        public void Dispose() => throw null;
    }

    public abstract class ScriptableRenderPass
    {
        public RenderPassEvent renderPassEvent { get; set; }
        public bool requiresIntermediateTexture { get; set; }
        public void ConfigureInput(ScriptableRenderPassInput passInput) => throw null;
        public virtual void RecordRenderGraph(RenderGraph renderGraph, ContextContainer frameData) => throw null;
    }


    public class UniversalCameraData
    {
        public Camera camera;
        public RenderTextureDescriptor cameraTargetDescriptor;
    }

    public class UniversalResourceData
    {
        public TextureHandle activeColorTexture => throw null;
        public TextureHandle cameraDepthTexture => throw null;
        public TextureHandle cameraNormalsTexture => throw null;
        public TextureHandle motionVectorColor => throw null;
        public bool isActiveTargetBackBuffer => throw null;
    }

    public class ScriptableRendererData : ScriptableObject
    {
        public System.Collections.Generic.List<ScriptableRendererFeature> rendererFeatures => throw null;
    }

    public class UniversalRenderPipelineAsset : RenderPipelineAsset
    {
        public ReadOnlySpan<ScriptableRendererData> rendererDataList => throw null;
        public bool supportsCameraDepthTexture { get; set; }
    }
}

namespace UnityEngine
{
    public struct RenderTextureDescriptor { public int width { get; set; } public int height { get; set; } }
}

namespace UnityEngine.Rendering.HighDefinition
{
    public class HDCamera
    {
        public Camera camera;
        public int actualWidth => throw null;
        public int actualHeight => throw null;
    }

    public struct CustomPassContext
    {
        public readonly CommandBuffer cmd;
        public readonly HDCamera hdCamera;
        public readonly RTHandle cameraColorBuffer;
        public readonly RTHandle cameraDepthBuffer;
        public readonly RTHandle cameraNormalBuffer;
        public readonly RTHandle cameraMotionVectorsBuffer;
    }

    public abstract class CustomPass
    {
        protected virtual bool executeInSceneView => throw null;
        protected virtual void Execute(CustomPassContext ctx) => throw null;
    }

    public enum CustomPassInjectionPoint { BeforeRendering = 0, BeforePostProcess = 2, AfterPostProcess = 3 }

    public class CustomPassVolume : MonoBehaviour
    {
        public bool isGlobal { get; set; }
        public CustomPassInjectionPoint injectionPoint { get; set; }
        public CustomPass AddPassOfType<T>() where T : CustomPass => throw null;
    }
}

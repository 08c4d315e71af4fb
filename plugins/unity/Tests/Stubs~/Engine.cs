// What the plugin uses of UnityEngine, declared for a compiler: signatures as its public sources have them where they were
// looked up (contacts, read-back, custom passes, render graph), the common ones from memory; no behaviour. A check of types alone: nothing of this runs or ships.
#nullable disable
#pragma warning disable CS0067, CS0169, CS0649, CS0660, CS0661, CS0626, CS0824
using System;
using System.Collections.Generic;
using Unity.Collections;

namespace UnityEngine
{
    public struct Vector2 { public float x, y; public Vector2(float x, float y) => throw null; }

    public struct Vector2Int
    {
        public Vector2Int(int x, int y) => throw null;
        public int x { get; set; }
        public int y { get; set; }
        public static Vector2Int zero => throw null;
        public static bool operator ==(Vector2Int a, Vector2Int b) => throw null;
        public static bool operator !=(Vector2Int a, Vector2Int b) => throw null;
    }

    public struct Vector3
    {
        public float x, y, z;
        public Vector3(float x, float y, float z) => throw null;
        public static Vector3 zero => throw null;
        public static Vector3 one => throw null;
        public static Vector3 forward => throw null;
        public static Vector3 operator *(Vector3 a, float b) => throw null;
        public static float Dot(Vector3 a, Vector3 b) => throw null;
    }

    public struct Vector4
    {
        public float x, y, z, w;
        public Vector4(float x, float y, float z, float w) => throw null;
    }

    public struct Quaternion
    {
        public float x, y, z, w;
        public static Quaternion Euler(float x, float y, float z) => throw null;
        public static Quaternion identity => throw null;
    }

    public struct Matrix4x4
    {
        public float m00, m02, m11, m12;
        public float this[int row, int column] { get => throw null; set => throw null; }
        public static Matrix4x4 identity => throw null;
        public static Matrix4x4 operator *(Matrix4x4 a, Matrix4x4 b) => throw null;
    }

    public struct Color
    {
        public float r, g, b, a;
        public Color(float r, float g, float b, float a) => throw null;
        public Color(float r, float g, float b) => throw null;
        public Color linear => throw null;
        public Color gamma => throw null;
        public static Color clear => throw null;
        public static Color white => throw null;
        public static implicit operator Vector4(Color c) => throw null;
    }

    public struct Rect
    {
        public Rect(float x, float y, float width, float height) => throw null;
        public float width { get; set; }
        public float height { get; set; }
    }

    public struct Bounds { }
    public struct Plane { }
    public struct LayerMask { }

    public static class Random { public static float Range(float minInclusive, float maxInclusive) => throw null; }

    public static class Mathf
    {
        public static int Max(int a, int b) => throw null;
        public static float Abs(float f) => throw null;
        public static int RoundToInt(float f) => throw null;
    }

    public static class GeometryUtility
    {
        public static void CalculateFrustumPlanes(Camera camera, Plane[] planes) => throw null;
        public static bool TestPlanesAABB(Plane[] planes, Bounds bounds) => throw null;
    }

    public enum FindObjectsSortMode { None, InstanceID }
    [Flags] public enum HideFlags { None = 0, HideAndDontSave = 61 }

    public class Object
    {
        public string name { get; set; }
        public HideFlags hideFlags { get; set; }
        public static bool operator ==(Object a, Object b) => throw null;
        public static bool operator !=(Object a, Object b) => throw null;
        public static void DestroyImmediate(Object obj) => throw null;
        public static T[] FindObjectsByType<T>(FindObjectsSortMode sortMode) where T : Object => throw null;
    }

    public class ScriptableObject : Object
    {
        public static T CreateInstance<T>() where T : ScriptableObject => throw null;
    }

    public class Component : Object
    {
        public Transform transform => throw null;
        public GameObject gameObject => throw null;
        public T GetComponent<T>() => throw null;
        public T GetComponentInParent<T>() => throw null;
        public bool TryGetComponent<T>(out T component) => throw null;
    }

    public class Behaviour : Component { public bool enabled { get; set; } public bool isActiveAndEnabled => throw null; }
    public class MonoBehaviour : Behaviour { }

    public sealed class GameObject : Object
    {
        public GameObject(string name) => throw null;
        public int layer { get; set; }
        public bool activeInHierarchy => throw null;
        public Transform transform => throw null;
        public T AddComponent<T>() where T : Component => throw null;
        public T GetComponent<T>() => throw null;
        public static GameObject CreatePrimitive(PrimitiveType type) => throw null;
    }

    public enum PrimitiveType { Sphere, Capsule, Cylinder, Cube, Plane, Quad }

    public class Transform : Component
    {
        public Vector3 position { get; set; }
        public Quaternion rotation { get; set; }
        public Vector3 localScale { get; set; }
        public void SetPositionAndRotation(Vector3 position, Quaternion rotation) => throw null;
    }

    public sealed class Camera : Behaviour
    {
        public int pixelWidth => throw null;
        public int pixelHeight => throw null;
        public bool orthographic { get; set; }
        public bool stereoEnabled => throw null;
        public float nearClipPlane { get; set; }
        public float farClipPlane { get; set; }
        public float fieldOfView { get; set; }
        public bool usePhysicalProperties { get; set; }
        public float focalLength { get; set; }
        public Vector2 sensorSize { get; set; }
        public float aperture { get; set; }
        public float focusDistance { get; set; }
        public int cullingMask { get; set; }
        public Matrix4x4 worldToCameraMatrix { get; set; }
        public Matrix4x4 projectionMatrix { get; set; }
        public Matrix4x4 nonJitteredProjectionMatrix { get; set; }
        public RenderTexture targetTexture { get; set; }
        public static Camera main => throw null;
    }

    public class Renderer : Component
    {
        public bool enabled { get; set; }
        public Bounds bounds { get; set; }
        public Material material { get; set; }
        public UnityEngine.Rendering.ShadowCastingMode shadowCastingMode { get; set; }
        public void GetSharedMaterials(List<Material> m) => throw null;
    }

    public class MeshRenderer : Renderer { }
    public class SkinnedMeshRenderer : Renderer { }
    public class Collider : Component { public bool providesContacts { get; set; } }

    public class Rigidbody : Component
    {
        public Vector3 linearVelocity { get; set; }
        public Vector3 angularVelocity { get; set; }
    }

    public struct PhysicsScene { }

    public readonly struct ContactPairHeader
    {
        public Component body => throw null;
        public Component otherBody => throw null;
        public int pairCount => throw null;
        public ref readonly ContactPair GetContactPair(int index) => throw null;
    }

    public readonly struct ContactPair
    {
        public Collider collider => throw null;
        public Collider otherCollider => throw null;
        public int contactCount => throw null;
        public ref readonly ContactPairPoint GetContactPoint(int index) => throw null;
    }

    public readonly struct ContactPairPoint
    {
        public Vector3 position => throw null;
        public Vector3 normal => throw null;
        public Vector3 impulse => throw null;
    }

    public class Physics
    {
        public delegate void ContactEventDelegate(PhysicsScene scene, NativeArray<ContactPairHeader>.ReadOnly headerArray);
        public static event ContactEventDelegate ContactEvent;
    }

    public static class Time
    {
        public static float realtimeSinceStartup => throw null;
        public static float fixedDeltaTime { get; set; }
    }

    public static class Application
    {
        public static string unityVersion => throw null;
        public static bool isPlaying => throw null;
        public static string dataPath => throw null;
    }

    public static class Debug
    {
        public static void Log(object message, Object context) => throw null;
        public static void Log(object message) => throw null;
        public static void LogWarning(object message, Object context) => throw null;
        public static void LogError(object message) => throw null;
    }

    public static class Resources { public static T Load<T>(string path) where T : Object => throw null; }

    [AttributeUsage(AttributeTargets.Field)] public sealed class SerializeField : Attribute { }
    [AttributeUsage(AttributeTargets.Field)] public sealed class HideInInspector : Attribute { }
    [AttributeUsage(AttributeTargets.Field)] public sealed class TooltipAttribute : Attribute { public TooltipAttribute(string tooltip) { } }
    [AttributeUsage(AttributeTargets.Field, AllowMultiple = true)] public sealed class HeaderAttribute : Attribute { public HeaderAttribute(string header) { } }
    [AttributeUsage(AttributeTargets.Field)] public sealed class RangeAttribute : Attribute { public RangeAttribute(float min, float max) { } }
    [AttributeUsage(AttributeTargets.Field)] public sealed class MinAttribute : Attribute { public MinAttribute(float min) { } }
    [AttributeUsage(AttributeTargets.Class)] public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string menuName) { } }
    [AttributeUsage(AttributeTargets.Class)] public sealed class DisallowMultipleComponent : Attribute { }
    [AttributeUsage(AttributeTargets.Class)] public sealed class RequireComponent : Attribute { public RequireComponent(Type requiredComponent) { } }
}

namespace Unity.Collections
{
    public enum Allocator { Invalid, None, Temp, TempJob, Persistent }

    public struct NativeArray<T> : IDisposable where T : struct
    {
        public int Length => throw null;
        public T this[int index] { get => throw null; set => throw null; }
        public void Dispose() => throw null;

        public struct ReadOnly
        {
            public int Length => throw null;
            public T this[int index] => throw null;
        }
    }
}

namespace Unity.Collections.LowLevel.Unsafe
{
    public struct AtomicSafetyHandle
    {
        public static AtomicSafetyHandle Create() => throw null;
        public static void Release(AtomicSafetyHandle handle) => throw null;
    }

    public static class NativeArrayUnsafeUtility
    {
        public static unsafe NativeArray<T> ConvertExistingDataToNativeArray<T>(void* dataPointer, int length, Allocator allocator) where T : struct => throw null;
        public static void SetAtomicSafetyHandle<T>(ref NativeArray<T> array, AtomicSafetyHandle safety) where T : struct => throw null;
    }
}

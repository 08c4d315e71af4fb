#nullable enable
using System.Collections.Generic;
using UnityEngine;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>What is seen: renderers with the object they belong to, its id, label and material. Main thread only.</summary>
    /// <remarks>
    /// One object is a rigid body with all renderers below it, or a renderer of its own. An id is given once and never again
    /// in a session. Unity tells nobody when renderers come and go: they are looked for once a second, and as asked.
    /// </remarks>
    internal sealed class Things
    {
        const float LookS = 1.0f;
        const int Words = 4; // of an entry: id, label, metallic and roughness as float bits

        readonly Dictionary<Component, uint> _ids = new Dictionary<Component, uint>();
        readonly List<Material> _materials = new List<Material>();
        readonly List<Thing> _all = new List<Thing>();
        float _lookAtS;
        uint _lastId;

        /// <summary>One submesh of one renderer; its index in the table is 1 more than here: 0 is nothing.</summary>
        public readonly struct Thing
        {
            public Thing(Renderer renderer, int submesh, Color color, Texture? texture, Vector4 scaleOffset, float cutoff)
            {
                Renderer = renderer;
                Submesh = submesh;
                Color = color;
                Texture = texture;
                ScaleOffset = scaleOffset;
                Cutoff = cutoff;
            }

            public Renderer Renderer { get; }
            public int Submesh { get; }
            public Color Color { get; }
            public Texture? Texture { get; }
            public Vector4 ScaleOffset { get; }

            /// <summary>Below this alpha there is a hole; -1 without.</summary>
            public float Cutoff { get; }
        }

        public IReadOnlyList<Thing> All => _all;

        /// <summary>Four words for each thing, from index 1 on.</summary>
        public uint[] Table { get; private set; } = new uint[Words];

        /// <summary>Counts up when the table is another.</summary>
        public int Version { get; private set; }

        /// <summary>Looks for things when it is time to.</summary>
        public void Refresh()
        {
            if (Time.realtimeSinceStartup < _lookAtS)
            {
                return;
            }
            _lookAtS = Time.realtimeSinceStartup + LookS;
            Look();
        }

        /// <summary>Of a rigid body, or of what a collider belongs to.</summary>
        public uint IdOf(Component owner)
        {
            if (!_ids.TryGetValue(owner, out uint id))
            {
                id = ++_lastId;
                _ids.Add(owner, id);
            }
            return id;
        }

        public static Label LabelOf(Component owner)
        {
            WorldplateLabel label = owner.GetComponentInParent<WorldplateLabel>();
            return label != null ? label.Label : Label.Unknown;
        }

        void Look()
        {
            _all.Clear();
            var words = new List<uint> { 0, (uint)Label.Unknown, 0, 0 };
            foreach (Renderer renderer in Object.FindObjectsByType<Renderer>(FindObjectsSortMode.None))
            {
                if (!(renderer is MeshRenderer) && !(renderer is SkinnedMeshRenderer))
                {
                    continue; // particles, trails and sprites are in the colour alone
                }
                Rigidbody body = renderer.GetComponentInParent<Rigidbody>();
                uint id = IdOf(body != null ? (Component)body : renderer);
                AddSubmeshes(renderer, id, LabelOf(renderer), words);
            }
            Table = words.ToArray();
            Version++;
        }

        void AddSubmeshes(Renderer renderer, uint id, Label label, List<uint> words)
        {
            renderer.GetSharedMaterials(_materials);
            for (int submesh = 0; submesh < _materials.Count; submesh++)
            {
                Material material = _materials[submesh];
                if (material == null || material.renderQueue > LastOpaqueQueue)
                {
                    continue; // transparent things are in the colour alone
                }
                _all.Add(Read(renderer, submesh, material));
                words.Add(id);
                words.Add((uint)label);
                words.Add(Bits(material.HasFloat(Metallic) ? material.GetFloat(Metallic) : 0.0f));
                words.Add(Bits(1.0f - (material.HasFloat(Smoothness) ? material.GetFloat(Smoothness) : 0.5f)));
            }
        }

        static Thing Read(Renderer renderer, int submesh, Material material)
        {
            int texture = material.HasTexture(BaseMap) ? BaseMap : material.HasTexture(BaseColorMap) ? BaseColorMap : 0;
            Vector4 scaleOffset = new Vector4(1.0f, 1.0f, 0.0f, 0.0f);
            if (texture != 0)
            {
                Vector2 scale = material.GetTextureScale(texture), offset = material.GetTextureOffset(texture);
                scaleOffset = new Vector4(scale.x, scale.y, offset.x, offset.y);
            }
            Color color = material.HasColor(BaseColor) ? material.GetColor(BaseColor) : new Color(0.5f, 0.5f, 0.5f, 1.0f);
            bool clipped = material.IsKeywordEnabled("_ALPHATEST_ON");
            int cutoff = material.HasFloat(Cutoff) ? Cutoff : AlphaCutoff;
            float least = clipped && material.HasFloat(cutoff) ? material.GetFloat(cutoff) : -1.0f;
            return new Thing(renderer, submesh, color.linear, texture != 0 ? material.GetTexture(texture) : null, scaleOffset, least);
        }

        static unsafe uint Bits(float value) => *(uint*)&value;

        const int LastOpaqueQueue = 2500;

        // URP's names, HDRP's where they differ. Ids of properties stay what they are until the program ends.
        static readonly int BaseColor = Shader.PropertyToID("_BaseColor");
        static readonly int BaseMap = Shader.PropertyToID("_BaseMap");
        static readonly int BaseColorMap = Shader.PropertyToID("_BaseColorMap");
        static readonly int Metallic = Shader.PropertyToID("_Metallic");
        static readonly int Smoothness = Shader.PropertyToID("_Smoothness");
        static readonly int Cutoff = Shader.PropertyToID("_Cutoff");
        static readonly int AlphaCutoff = Shader.PropertyToID("_AlphaCutoff");
    }
}

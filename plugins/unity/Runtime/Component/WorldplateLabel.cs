#nullable enable
using UnityEngine;
using Worldplate.Interop;

namespace Worldplate
{
    /// <summary>Says what this object is, with all below it that has no label of its own: wood, water, a character.</summary>
    [AddComponentMenu("Worldplate/Label")]
    [DisallowMultipleComponent]
    public sealed class WorldplateLabel : MonoBehaviour
    {
        [SerializeField, Tooltip("What the model takes it for.")] Label _label = Label.Unknown;

        public Label Label { get => _label; set => _label = value; }
    }
}

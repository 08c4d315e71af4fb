#nullable enable
using System;
using System.Collections.Generic;
using UnityEngine;
using Worldplate.Interop;

namespace Worldplate
{
    /// <summary>When what is shown.</summary>
    public enum StreamSync
    {
        /// <summary>This frame, with the newest plate there is.</summary>
        Freerun,

        /// <summary>The frame of Delay Frames ago, with its own plate.</summary>
        Delayed,
    }

    // Settings of the stream. What is set while it runs takes effect at once; what the session is opened with starts it anew.
    public sealed partial class WorldplateStream
    {
        [Header("Timing")]
        [SerializeField, Tooltip("Freerun: this frame, with the newest plate there is. Delayed: the frame of so many ago, with its own plate.")]
        StreamSync _sync = StreamSync.Freerun;

        [SerializeField, Tooltip("What is shown when a frame's own plate is not there. Reproject: the newest plate, carried to where camera and bodies are now. Fade: the same, fading into the engine's picture. Hold: the newest whole picture stays. Passthrough: the engine's own picture.")]
        LatePolicy _late = LatePolicy.Reproject;

        [SerializeField, Range(1, 8), Tooltip("How many frames Delayed shows later.")]
        int _delayFrames = 1;

        [SerializeField, Tooltip("For films: each frame waits for the plate of the one that Delayed shows. The game slows down to the model.")]
        bool _waitForPlates = false;

        [Header("Picture")]
        [SerializeField, Range(0.1f, 1.0f), Tooltip("Size of the planes and of the plate as part of the camera's own. Smaller is faster; edges stay the engine's.")]
        float _resolutionScale = 1.0f;

        [SerializeField, Tooltip("The same in pixels, whatever the camera's is. 0 x 0: by Resolution Scale.")]
        Vector2Int _fixedSize = Vector2Int.zero;

        [Header("Model")]
        [SerializeField, Tooltip("The same seed gives the same look.")]
        uint _worldSeed = 0;

        [SerializeField, HideInInspector]
        List<ControlValue> _controls = new List<ControlValue>();

        [Header("Engine-owned")]
        [SerializeField, Tooltip("Things with these labels keep the engine's own pixels.")]
        Label[] _engineLabels = Array.Empty<Label>();

        [SerializeField, Min(0.0f), Tooltip("What is nearer (metres) keeps the engine's own pixels, such as hands and tools.")]
        float _plateNear = 0.0f;

        [SerializeField, Min(0.0f), Tooltip("What is farther (metres) keeps the engine's own pixels. 0: nothing is too far.")]
        float _plateFar = 0.0f;

        [Header("Connection")]
        [SerializeField, Tooltip("Connection file of a renderer with a runtime folder of its own. Empty: this user's.")]
        string _connectionFile = "";

        public StreamSync Sync { get => _sync; set => Restart(ref _sync, value); }
        public LatePolicy Late { get => _late; set => Restart(ref _late, value); }
        public int DelayFrames { get => _delayFrames; set => Restart(ref _delayFrames, value); }
        public bool WaitForPlates { get => _waitForPlates; set => _waitForPlates = value; }
        public float ResolutionScale { get => _resolutionScale; set => _resolutionScale = value; }
        public Vector2Int FixedSize { get => _fixedSize; set => _fixedSize = value; }
        public uint WorldSeed { get => _worldSeed; set => Restart(ref _worldSeed, value); }
        public string ConnectionFile { get => _connectionFile; set => Restart(ref _connectionFile, value); }

        public Label[] EngineLabels
        {
            get => _engineLabels;
            set { _engineLabels = value; SendOwnership(); }
        }

        public float PlateNear
        {
            get => _plateNear;
            set { _plateNear = value; SendOwnership(); }
        }

        public float PlateFar
        {
            get => _plateFar;
            set { _plateFar = value; SendOwnership(); }
        }

        /// <summary>A control's value that differs from the model's default.</summary>
        [Serializable]
        public struct ControlValue
        {
            public string Name;
            public ControlType Type;
            public double Number;
            public string Text;
        }
    }
}

#nullable enable
using System;
using System.Collections.Generic;
using UnityEditor;
using UnityEngine;
using UnityEngine.Experimental.Rendering;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate.Editor
{
    /// <summary>
    /// Draws the scene of <see cref="Conventions"/> into a texture with the project's own pipeline and graphics card, in Play
    /// mode, and judges its planes. Owns what it puts into the scene.
    /// </summary>
    sealed class SelfTest : IDisposable
    {
        const int Width = 192, Height = 108;
        const int StepAt = 10, JudgeAt = 30; // looks, ten a second: until the pipeline runs, and until planes were read
        const float Deep = -5000.0f; // below whatever the scene shows

        readonly List<UnityEngine.Object> _made = new List<UnityEngine.Object>();
        readonly WorldplateStream? _stream;
        StreamSession? _session;
        List<Finding>? _best;
        int _looks;

        public SelfTest()
        {
            if (!Application.isPlaying)
            {
                Text = "Press Play first: the pipeline draws and reads back only then.";
                return;
            }
            Text = "Running";
            PutBox();
            _stream = PutEye();
        }

        public string Text { get; private set; } = "";

        public bool IsGood { get; private set; }

        /// <summary>Ten times a second: waits for the pipeline, moves the camera once, and judges what was read after that.</summary>
        public void Update()
        {
            if (_stream == null || _made.Count == 0)
            {
                return;
            }
            if (_session == null && _stream.Session != null)
            {
                _session = _stream.Session;
                _session.PlanesRead += OnPlanes;
            }
            _looks++;
            if (_looks == StepAt)
            {
                _stream.transform.position = new Vector3(0.0f, Deep, 0.0f);
            }
            if (_looks == JudgeAt)
            {
                Say(_stream.Trouble);
                Dispose();
            }
        }

        public void Dispose()
        {
            if (_session != null)
            {
                _session.PlanesRead -= OnPlanes;
                _session = null;
            }
            foreach (UnityEngine.Object made in _made)
            {
                UnityEngine.Object.DestroyImmediate(made);
            }
            _made.Clear();
        }

        void PutBox()
        {
            GameObject box = GameObject.CreatePrimitive(PrimitiveType.Cube);
            _made.Add(box);
            const float halfSide = 0.5f;
            var middle = new Vector3((float)Conventions.RightM, Deep + (float)Conventions.UpM, (float)Conventions.DepthM + halfSide);
            box.transform.SetPositionAndRotation(middle, Quaternion.identity);
            box.AddComponent<WorldplateLabel>().Label = Conventions.Is;
            Material material = box.GetComponent<Renderer>().material;
            _made.Add(material);
            material.SetColor("_BaseColor", new Color(Conventions.Red, Conventions.Green, Conventions.Blue, 1.0f).gamma);
        }

        WorldplateStream PutEye()
        {
            var eye = new GameObject("Worldplate self-test");
            var picture = new RenderTexture(Width, Height, 24, GraphicsFormat.R16G16B16A16_SFloat);
            _made.Add(eye);
            _made.Add(picture);
            eye.transform.SetPositionAndRotation(new Vector3(-(float)Conventions.StepM, Deep, 0.0f), Quaternion.identity);
            Camera camera = eye.AddComponent<Camera>();
            camera.targetTexture = picture;
            camera.fieldOfView = (float)Conventions.VerticalFovDeg;
            return eye.AddComponent<WorldplateStream>();
        }

        // Only the frame of the step shows its motion: the frame with the fewest mistakes is that.
        void OnPlanes(IntPtr pixels, WpPlanePlace[] places, Vector2Int size)
        {
            if (_looks < StepAt)
            {
                return;
            }
            List<Finding> found = new Conventions(pixels, places, size.x, size.y).Judge();
            if (_best == null || Wrong(found) < Wrong(_best))
            {
                _best = found;
            }
        }

        static int Wrong(List<Finding> findings) => findings.FindAll(finding => !finding.Holds).Count;

        void Say(string trouble)
        {
            if (_best == null)
            {
                Text = "The self-test cannot run: " + (trouble.Length > 0 ? trouble : "no planes were read back.");
                return;
            }
            int wrong = Wrong(_best);
            IsGood = wrong == 0;
            var lines = new List<string> { IsGood ? "All conventions hold." : wrong + " do not hold: please report these lines." };
            foreach (Finding finding in _best)
            {
                lines.Add((finding.Holds ? "ok  " : "WRONG  ") + finding.Name + ": " + finding.Text);
            }
            Text = string.Join("\n", lines);
        }
    }
}

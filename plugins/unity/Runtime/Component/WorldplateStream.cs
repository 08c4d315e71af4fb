#nullable enable
using System;
using System.Collections.Generic;
using UnityEngine;
using Worldplate.Internal;
using Worldplate.Interop;

namespace Worldplate
{
    /// <summary>
    /// Shows the plates of a world model over the picture of this camera. Run `worldplate serve`, and press Play. The engine
    /// keeps the geometry: when no renderer is there, or it is late or dies, the engine's own picture is shown.
    /// </summary>
    [AddComponentMenu("Worldplate/Worldplate Stream")]
    [RequireComponent(typeof(Camera))]
    [DisallowMultipleComponent]
    public sealed partial class WorldplateStream : MonoBehaviour
    {
        const float LookS = 0.25f, RetryS = 1.0f; // between two looks at the link, and two attempts to start
        const int LogLines = 60;

        StreamSession? _session;
        string _model = "";
        int _sessions;
        float _lookAtS, _retryAtS;

        /// <summary>A renderer has taken this stream, or changed over to another model; the model's name.</summary>
        public event Action<string>? Attached;

        /// <summary>The renderer has left, or this stream has left it; the reason.</summary>
        public event Action<string>? Detached;

        /// <summary>Of the last look, a quarter of a second ago at most; null while nothing runs.</summary>
        public LinkStatus? Status { get; private set; }

        /// <summary>Why nothing runs and what to do about it; empty when it runs.</summary>
        public string Trouble { get; private set; } = "";

        /// <summary>The link's log, newest last.</summary>
        public List<string> Log { get; } = new List<string>();

        /// <summary>The model's controls; empty until a renderer was there.</summary>
        public List<ControlSchema> ControlSchemas { get; private set; } = new List<ControlSchema>();

        /// <summary>Those that the renderer can change over to, and the one that serves; empty where it keeps its model.</summary>
        public List<string> Models { get; private set; } = new List<string>();

        /// <summary>What became of the last UseModel; null while nothing runs.</summary>
        public ModelChange? ModelChange { get; private set; }

        /// <summary>For the pipeline's pass; null while nothing runs.</summary>
        internal StreamSession? Session => _session;

        /// <summary>How it is in a few words, and what to do next.</summary>
        public StateWords Words => Status != null ? StateWords.Of(Status) : StateWords.OfTrouble(Trouble, Trouble.Length > 0);

        /// <summary>Changes a control from the next frame on and keeps it with the scene. Returns what is wrong, or "".</summary>
        public string SetControl(string name, double number, ControlType type = ControlType.Number)
        {
            Keep(new ControlValue { Name = name, Type = type, Number = number, Text = "" });
            return _session?.Link.SetNumber(name, number) ?? "";
        }

        /// <summary>The same for choices and texts.</summary>
        public string SetControl(string name, string text, ControlType type = ControlType.Text)
        {
            Keep(new ControlValue { Name = name, Type = type, Text = text });
            return _session?.Link.SetText(name, text) ?? "";
        }

        /// <summary>What was set for a control; false while it has the model's default.</summary>
        public bool TryGetControl(string name, out ControlValue value)
        {
            int at = _controls.FindIndex(each => each.Name == name);
            value = at >= 0 ? _controls[at] : default;
            return at >= 0;
        }

        /// <summary>
        /// Asks the renderer for another of its Models, for every engine that it serves. Plates are of the model before until the
        /// new one is ready; then Attached tells its name. Returns what is wrong, or "".
        /// </summary>
        public string UseModel(string name) => _session?.Link.UseModel(name) ?? Trouble;

        /// <summary>The renderer forgets the world; the next frame is a cut.</summary>
        public string ResetWorld() => _session?.Link.ResetWorld() ?? Trouble;

        /// <summary>To be called in the frame in which the view jumps. Jumps of 5 m or a quarter turn are seen anyway.</summary>
        public void Cut() => _session?.Cut();

        void OnEnable() => _retryAtS = 0.0f;

        void OnDisable() => Stop("the stream was disabled");

        void OnValidate()
        {
            if (_session != null)
            {
                Stop("its settings changed");
                _retryAtS = 0.0f;
            }
        }

        void Update()
        {
            float nowS = Time.realtimeSinceStartup;
            if (_session == null && nowS >= _retryAtS)
            {
                _retryAtS = nowS + RetryS;
                Open();
            }
            _session?.Update();
            if (_session != null && nowS >= _lookAtS)
            {
                _lookAtS = nowS + LookS;
                Look(_session);
            }
        }

        void Open()
        {
            Camera camera = GetComponent<Camera>();
            Trouble = Requirements.FindTrouble(camera);
            if (Trouble.Length > 0)
            {
                return;
            }
            try
            {
                _session = new StreamSession(camera, this);
            }
            catch (LinkException error)
            {
                Trouble = error.Message;
                return;
            }
            catch (DllNotFoundException)
            {
                Trouble = Requirements.NoLibrary;
                return;
            }
            foreach (ControlValue value in _controls)
            {
                Send(_session.Link, value);
            }
            SendOwnership();
        }

        void Stop(string reason)
        {
            _session?.Dispose();
            _session = null;
            Status = null;
            ModelChange = null;
            Leave(reason);
        }

        void Restart<T>(ref T setting, T value)
        {
            setting = value;
            OnValidate();
        }

        void Look(StreamSession session)
        {
            Status = session.Link.Status();
            Models = session.Link.Models();
            ModelChange = session.Link.ModelChange();
            while (session.Link.NextLog(out string line, out int level))
            {
                Log.Add(("IWE"[level]) + " " + line);
                if (Log.Count > LogLines)
                {
                    Log.RemoveAt(0);
                }
            }
            bool there = Status.State == WpLinkState.Attached || Status.State == WpLinkState.Stalled;
            string model = there ? Status.Model : "";
            bool sameSession = Status.SessionCount == _sessions;
            _sessions = Status.SessionCount;
            if (model != _model)
            {
                Meet(session, model, Status, sameSession && _model.Length > 0 && model.Length > 0);
            }
        }

        // `changedOver`: within the session, where no frame is lost.
        void Meet(StreamSession session, string model, LinkStatus status, bool changedOver)
        {
            if (!changedOver)
            {
                Leave(status.ErrorText.Length > 0 ? status.ErrorText : "the renderer is gone");
            }
            _model = model;
            if (model.Length > 0)
            {
                ControlSchemas = session.Link.Controls();
                Debug.Log("Worldplate: " + (changedOver ? "changed over to " : "attached to ") + model + " on " + status.Runtime, this);
                Attached?.Invoke(model);
            }
        }

        void Leave(string reason)
        {
            if (_model.Length > 0)
            {
                _model = "";
                Debug.Log("Worldplate: detached: " + reason, this);
                Detached?.Invoke(reason);
            }
        }

        void Keep(ControlValue value)
        {
            _controls.RemoveAll(each => each.Name == value.Name);
            _controls.Add(value);
        }

        void Send(Link link, in ControlValue value)
        {
            bool isText = value.Type == ControlType.Text || value.Type == ControlType.Choice;
            string wrong = isText ? link.SetText(value.Name, value.Text) : link.SetNumber(value.Name, value.Number);
            if (wrong.Length > 0)
            {
                Debug.LogWarning("Worldplate: control " + value.Name + ": " + wrong, this);
            }
        }

        void SendOwnership()
        {
            if (_session == null)
            {
                return;
            }
            byte[] labels = Array.ConvertAll(_engineLabels, label => (byte)label);
            _session.Link.SetEngineLabels(labels);
            string wrong = _session.Link.SetPlateRange(_plateNear, _plateFar > 0.0f ? _plateFar : double.PositiveInfinity);
            if (wrong.Length > 0)
            {
                Debug.LogWarning("Worldplate: " + wrong, this);
            }
        }
    }
}

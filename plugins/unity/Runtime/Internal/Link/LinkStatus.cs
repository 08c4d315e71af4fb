#nullable enable
using System.Collections.Generic;
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>How a link is doing, as wp_status tells it. A copy of its own.</summary>
    public sealed class LinkStatus
    {
        internal unsafe LinkStatus(in WpStatus from)
        {
            fixed (WpStatus* status = &from)
            {
                State = status->State;
                SessionCount = (int)status->SessionCount;
                RendererPid = status->RendererPid;
                Transport = status->Transport;
                TransportReason = Texts.Read(status->TransportReason);
                Model = Texts.Read(status->Model, Native.NameBytes);
                Runtime = Texts.Read(status->Runtime, Native.NameBytes);
                Licence = Texts.Read(status->Licence, Native.NameBytes);
                RendererState = status->RendererState;
                RendererText = Texts.Read(status->RendererText);
                ErrorCode = Texts.Read(status->ErrorCode, Native.NameBytes);
                ErrorText = Texts.Read(status->ErrorText);
                ErrorFix = Texts.Read(status->ErrorFix);
                Begun = status->Begun;
                Submitted = status->Submitted;
                Answered = status->Answered;
                PlatesPerS = status->PlatesPerS;
                AgeP50Ms = status->AgeP50Ms;
                AgeP95Ms = status->AgeP95Ms;
                RoundTripMs = status->RoundTripMs;
                HostBytesCopied = status->HostBytesCopied;
                Dispositions = new ulong[4];
                for (int at = 0; at < Dispositions.Length; at++)
                {
                    Dispositions[at] = status->Dispositions[at];
                }
                WpStage* stages = &status->Stages0;
                for (int at = 0; at < status->StageCount; at++)
                {
                    Stages.Add(new KeyValuePair<string, double>(Texts.Read(stages[at].Name, Native.NameBytes), stages[at].Ms));
                }
            }
        }

        public WpLinkState State { get; }

        /// <summary>Sessions opened so far: the controls may have changed when it has.</summary>
        public int SessionCount { get; }

        public ulong RendererPid { get; }
        public Transport Transport { get; }

        /// <summary>Why no better one was possible; empty when the best was.</summary>
        public string TransportReason { get; }

        public string Model { get; }
        public string Runtime { get; }
        public string Licence { get; }
        public RendererState RendererState { get; }
        public string RendererText { get; }
        public string ErrorCode { get; }
        public string ErrorText { get; }
        public string ErrorFix { get; }

        /// <summary>Frames.</summary>
        public ulong Begun { get; }
        public ulong Submitted { get; }
        public ulong Answered { get; }

        /// <summary>Frames by the number of their Disposition.</summary>
        public ulong[] Dispositions { get; }

        public double PlatesPerS { get; }

        /// <summary>Frame age over the last 256 pictures with a plate.</summary>
        public double AgeP50Ms { get; }
        public double AgeP95Ms { get; }

        /// <summary>Of the last plate, from Submit to its answer.</summary>
        public double RoundTripMs { get; }

        /// <summary>By this library between host buffers of pixels, for the last frame.</summary>
        public ulong HostBytesCopied { get; }

        /// <summary>Stage and milliseconds, of the last plate.</summary>
        public List<KeyValuePair<string, double>> Stages { get; } = new List<KeyValuePair<string, double>>();
    }
}

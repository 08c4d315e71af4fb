#nullable enable
using Worldplate.Interop;

namespace Worldplate.Internal
{
    public enum Mood
    {
        Good,
        Waiting,
        Bad,
    }

    /// <summary>What a link's status means for a person: how it is in a few words, and what to do next.</summary>
    public readonly struct StateWords
    {
        public const string Serve = "worldplate serve";

        private StateWords(string headline, string next, Mood mood)
        {
            Headline = headline;
            Next = next;
            Mood = mood;
        }

        public string Headline { get; }

        /// <summary>Empty when there is nothing to do.</summary>
        public string Next { get; }

        public Mood Mood { get; }

        /// <summary>Of a stream that does not run: `trouble` says why; `blocked` that it is a fault, not somebody's choice.</summary>
        public static StateWords OfTrouble(string trouble, bool blocked) =>
            new StateWords(blocked ? "Cannot run" : "Idle", trouble, blocked ? Mood.Bad : Mood.Waiting);

        public static StateWords Of(LinkStatus status)
        {
            switch (status.State)
            {
                case WpLinkState.Searching:
                    string start = "Start one here, or run `" + Serve + "` in a terminal.";
                    return new StateWords("Waiting for a renderer", start, Mood.Waiting);
                case WpLinkState.Connecting:
                case WpLinkState.Greeting:
                    return new StateWords("Connecting to the renderer", "", Mood.Waiting);
                case WpLinkState.Opening:
                    return new StateWords("Opening the session", "", Mood.Waiting);
                case WpLinkState.Stalled:
                    return OfStalled(status);
                case WpLinkState.Refused:
                    return new StateWords("The renderer refused this stream", Sentences(status.ErrorText, status.ErrorFix), Mood.Bad);
                default:
                    return OfRenderer(status);
            }
        }

        /// <summary>What is wrong and what to do about it, as sentences.</summary>
        internal static string Sentences(string text, string fix)
        {
            bool both = text.Length > 0 && fix.Length > 0;
            return text + (both && !text.EndsWith(".") ? "." : "") + (both ? " " : "") + fix;
        }

        private static StateWords OfRenderer(LinkStatus status)
        {
            switch (status.RendererState)
            {
                case RendererState.Loading:
                    return new StateWords("Attached; the model is getting ready", status.RendererText, Mood.Waiting);
                case RendererState.Degraded:
                    return new StateWords("Attached, with less than it should", status.RendererText, Mood.Waiting);
                default:
                    return new StateWords("Attached", status.RendererText, Mood.Good);
            }
        }

        // No beat of the render loop for long: one plate takes too long, or nothing moves any more.
        private static StateWords OfStalled(LinkStatus status)
        {
            if (status.PlatesPerS > 0.0)
            {
                const string lower = "A plate takes the renderer very long. Lower Resolution Scale, or choose a faster model.";
                return new StateWords("Attached, but slow", lower, Mood.Waiting);
            }
            const string look = "The engine's own picture is shown until it does. Look into the renderer's terminal.";
            return new StateWords("Attached, but the renderer does not move", look, Mood.Bad);
        }
    }
}

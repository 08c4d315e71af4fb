#nullable enable
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>What became of the last model that was asked for, as wp_get_model_change tells it. A copy of its own.</summary>
    public sealed class ModelChange
    {
        internal unsafe ModelChange(in WpModelChange from)
        {
            fixed (WpModelChange* change = &from)
            {
                Progress = change->Progress;
                Model = Texts.Read(change->Name, Native.NameBytes);
                ErrorText = Texts.Read(change->ErrorText);
                ErrorFix = Texts.Read(change->ErrorFix);
            }
        }

        public WpModelProgress Progress { get; }

        /// <summary>That was asked for; empty when none was.</summary>
        public string Model { get; }

        public string ErrorText { get; }
        public string ErrorFix { get; }

        /// <summary>While it is loaded, another cannot be asked for.</summary>
        public bool IsLoading => Progress == WpModelProgress.Loading;

        /// <summary>For a person; empty when none was asked for, or it serves.</summary>
        public string Words
        {
            get
            {
                switch (Progress)
                {
                    case WpModelProgress.Loading:
                        return Model + " is being loaded; plates are of the model before until it is ready.";
                    case WpModelProgress.Refused:
                        return Model + " was not taken: " + StateWords.Sentences(ErrorText, ErrorFix);
                    default:
                        return "";
                }
            }
        }
    }
}

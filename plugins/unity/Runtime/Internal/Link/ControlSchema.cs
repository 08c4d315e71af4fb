#nullable enable
using Worldplate.Interop;

namespace Worldplate.Internal
{
    /// <summary>One thing that a person can turn on the model: what an inspector builds a field from.</summary>
    public sealed class ControlSchema
    {
        internal unsafe ControlSchema(in WpControl from)
        {
            fixed (WpControl* control = &from)
            {
                Name = Texts.Read(control->Name, Native.NameBytes);
                Type = control->Type;
                Text = Texts.Read(control->Text);
                Unit = Texts.Read(control->Unit, Native.NameBytes);
                Minimum = control->Minimum;
                Maximum = control->Maximum;
                Step = control->Step;
                DefaultNumber = control->DefaultNumber;
                DefaultText = Texts.Read(control->DefaultText);
                Choices = new string[control->ChoiceCount];
                for (int at = 0; at < Choices.Length; at++)
                {
                    Choices[at] = Texts.Read(control->Choices + at * Native.NameBytes, Native.NameBytes);
                }
            }
        }

        public string Name { get; }
        public ControlType Type { get; }

        /// <summary>What it does, in one sentence.</summary>
        public string Text { get; }

        /// <summary>Of the numbers; empty when it has none.</summary>
        public string Unit { get; }

        public double Minimum { get; }
        public double Maximum { get; }
        public double Step { get; }

        /// <summary>Of numbers and integers; of toggles 0 or 1.</summary>
        public double DefaultNumber { get; }

        /// <summary>Of choices and texts.</summary>
        public string DefaultText { get; }

        /// <summary>In the order to show them.</summary>
        public string[] Choices { get; }
    }
}

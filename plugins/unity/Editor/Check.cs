#nullable enable
using System;
using System.Collections.Generic;

namespace Worldplate.Editor
{
    /// <summary>One line of the setup window: what has to hold, and the click that makes it so.</summary>
    public sealed class Check
    {
        public Check(string text, Func<string> trouble, string fixText = "", Action? fix = null)
        {
            Text = text;
            Trouble = trouble;
            FixText = fixText;
            Fix = fix;
        }

        public string Text { get; }

        /// <summary>What is wrong; "" when it holds.</summary>
        public Func<string> Trouble { get; }

        public string FixText { get; }

        /// <summary>Null where a person has to do it.</summary>
        public Action? Fix { get; }
    }

    /// <summary>Assemblies that know a pipeline add their checks by a class of this kind with no arguments.</summary>
    public interface IChecks
    {
        IEnumerable<Check> All();
    }
}

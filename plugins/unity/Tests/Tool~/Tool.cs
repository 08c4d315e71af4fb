// What tests and benchmarks run of the plugin without the engine, on a real CLR: one command each, lines on the standard
// output, `done` at the end. tests/test_unity_link.py says what they must be.
#nullable enable
using System;
using System.Globalization;

namespace Worldplate.Tool
{
    internal static class Tool
    {
        private static int Main(string[] words)
        {
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            string folder = words.Length > 1 ? words[1] : "";
            switch (words.Length > 0 ? words[0] : "")
            {
                case "layout":
                    Layout.Print();
                    break;
                case "spaces":
                    SpacesTool.Run();
                    break;
                case "frames":
                    Frames.Run(folder, int.Parse(words[2]));
                    break;
                case "controls":
                    Controls.Run(folder);
                    break;
                case "models":
                    Models.Run(folder, words[2]);
                    break;
                case "late":
                    Late.Run(folder, words[2]);
                    break;
                case "kill":
                    Kill.Run(folder);
                    break;
                case "cycles":
                    Life.Cycles(folder, int.Parse(words[2]));
                    break;
                case "forgotten":
                    Life.Forgotten(folder);
                    break;
                case "selftest":
                    SelfTest.Run();
                    break;
                case "words":
                    Words.Run();
                    break;
                case "time":
                    Timing.Run(folder, int.Parse(words[2]), int.Parse(words[3]), int.Parse(words[4]));
                    break;
                default:
                    Console.Error.WriteLine("usage: Tool COMMAND [FOLDER ...]");
                    return 2;
            }
            Console.WriteLine("done");
            return 0;
        }
    }
}

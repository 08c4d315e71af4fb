#nullable enable
using System;
using System.Diagnostics;
using System.IO;
using UnityEditor;

namespace Worldplate.Editor
{
    /// <summary>
    /// `worldplate serve`, started from the editor and ended with it. Its number is kept over domain reloads, in which every
    /// object of ours ends; so it writes into a file, not into a pipe that would end too.
    /// </summary>
    public static class RendererProcess
    {
        const string Key = "Worldplate.RendererPid", Setting = "Worldplate.RendererCommand";

        /// <summary>The command's path, chosen or found on PATH; "" when there is none.</summary>
        public static string Command
        {
            get
            {
                string chosen = EditorPrefs.GetString(Setting, "");
                return chosen.Length > 0 ? chosen : FindOnPath();
            }
            set => EditorPrefs.SetString(Setting, value);
        }

        public static string LogFile => Path.Combine("Library", "worldplate-renderer.log");

        public static bool IsRunning => Find() != null;

        /// <summary>Returns what is wrong, or "".</summary>
        public static string Start()
        {
            string command = Command;
            if (command.Length == 0)
            {
                return "`worldplate` is not on PATH: run `worldplate serve` in a terminal where it is installed, or choose its path.";
            }
            var words = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
            words.ArgumentList.Add("-c");
            words.ArgumentList.Add("exec \"$0\" serve > \"$1\" 2>&1");
            words.ArgumentList.Add(command);
            words.ArgumentList.Add(LogFile);
            using Process? started = Process.Start(words);
            if (started == null)
            {
                return command + " cannot be started: is it a program of this machine?";
            }
            SessionState.SetInt(Key, started.Id);
            return "";
        }

        /// <summary>Asks it to end: it says goodbye to its engines and removes its files.</summary>
        public static void Stop()
        {
            using Process? running = Find();
            SessionState.SetInt(Key, 0);
            if (running != null)
            {
                using Process? asked = Process.Start("kill", "-TERM " + running.Id);
            }
        }

        /// <summary>The last line that it wrote.</summary>
        public static string LastLine()
        {
            if (!File.Exists(LogFile))
            {
                return "";
            }
            string[] lines = File.ReadAllLines(LogFile);
            return lines.Length > 0 ? lines[lines.Length - 1] : "";
        }

        [InitializeOnLoadMethod]
        static void EndWithTheEditor() => EditorApplication.quitting += Stop;

        static Process? Find()
        {
            int pid = SessionState.GetInt(Key, 0);
            if (pid == 0)
            {
                return null;
            }
            try
            {
                Process found = Process.GetProcessById(pid);
                return found.HasExited ? null : found;
            }
            catch (ArgumentException)
            {
                return null; // it has ended
            }
        }

        static string FindOnPath()
        {
            foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            {
                string path = Path.Combine(folder, "worldplate");
                if (File.Exists(path))
                {
                    return path;
                }
            }
            return "";
        }
    }
}

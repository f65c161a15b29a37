using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>What this machine has: the conditions of tests that are skipped elsewhere.</summary>
internal static class Machine
{
    /// <summary>The full path of a program on PATH, or null.</summary>
    public static string? FindTool(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => new[] { Path.Combine(folder, name), Path.Combine(folder, name + ".exe") })
            .FirstOrDefault(File.Exists);

    /// <summary>The repository's root: the folder above this file that holds the solution.</summary>
    public static string RepositoryRoot([CallerFilePath] string here = "")
    {
        foreach (var start in new[] { Path.GetDirectoryName(here), AppContext.BaseDirectory })
            for (var folder = start; !string.IsNullOrEmpty(folder); folder = Path.GetDirectoryName(folder))
                if (File.Exists(Path.Combine(folder, "BitTreeAlloc.slnx")))
                    return folder;
        throw new DirectoryNotFoundException("BitTreeAlloc.slnx was not found above the test's source or its assembly");
    }

    /// <summary>Runs a program to its end and returns what it wrote to both streams; fails the test where the exit code is not 0.</summary>
    public static string Run(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{tool} did not start");
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool} {string.Join(' ', arguments)} ended with {process.ExitCode}: {output}{error.Result}");
        return output + error.Result;
    }
}

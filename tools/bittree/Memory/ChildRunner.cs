using System.Diagnostics;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>Starts the tool again as a child and takes its figures. A fresh process per figure: nothing an earlier replay left can help or hurt.</summary>
internal static class ChildRunner
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(5);

    // Everything is compiled once, at first call, by no background thread; no diagnostics thread; no second mapping of code pages.
    private static readonly (string Name, string Value)[] s_quietRuntime =
    [
        ("DOTNET_TieredCompilation", "0"),
        ("DOTNET_TieredPGO", "0"),
        ("DOTNET_EnableDiagnostics", "0"),
        ("DOTNET_EnableWriteXorExecute", "0"),
        ("DOTNET_gcServer", "0"),
        ("DOTNET_gcConcurrent", "0"),
    ];

    /// <summary>Measures once; on failure the figures are null and <c>Error</c> says why in one line.</summary>
    public static (MemoryFigures? Figures, string? Error) Run(MeasureRequest request) => Run(request.ToArguments());

    /// <summary>The same for any hidden command that writes a line of figures of memory.</summary>
    public static (MemoryFigures? Figures, string? Error) Run(IEnumerable<string> arguments)
    {
        var (line, error) = RunLine(arguments);
        if (line is null)
            return (null, error);
        return MemoryFigures.TryParse(line, out var figures) ? (figures, null) : (null, $"the measuring process wrote '{line.Trim()}'");
    }

    /// <summary>The same for any hidden command that writes one line; on failure it is null and <c>Error</c> says why.</summary>
    public static (string? Line, string? Error) RunLine(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        SetCommand(start);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in s_quietRuntime)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_timeout))
        {
            process.Kill();
            return (null, $"the measuring process ran longer than {s_timeout.TotalMinutes:0} minutes");
        }

        if (process.ExitCode == 0)
            return (output.Result, null);
        var text = error.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
        return (null, $"the measuring process ended with code {process.ExitCode}: {text ?? "no message"}");
    }

    /// <summary>The apphost where that is what runs; otherwise (<c>dotnet bittree.dll</c>, a test host) the dotnet host and this assembly.</summary>
    private static void SetCommand(ProcessStartInfo start)
    {
        var process = Environment.ProcessPath ?? "dotnet";
        var name = Path.GetFileNameWithoutExtension(process);
        var assembly = typeof(ChildRunner).Assembly;
        if (name == assembly.GetName().Name)
        {
            start.FileName = process;
            return;
        }

        start.FileName = name == "dotnet" ? process : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        start.ArgumentList.Add(assembly.Location);
    }
}

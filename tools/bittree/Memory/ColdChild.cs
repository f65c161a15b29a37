using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>A first replay in a process of its own. Both sides of that process.</summary>
internal static class ColdChild
{
    /// <summary>The name of the hidden command.</summary>
    public const string Command = "cold-child";

    /// <summary>Starts the process and takes its figures; on failure they are null and the error says why in one line.</summary>
    public static (ColdFigures? Figures, string? Error) Start(MeasureRequest request)
    {
        var (line, error) = ChildRunner.RunLine([Command, .. request.ToArguments()[1..]]);
        if (line is null)
            return (null, error);
        return ColdFigures.TryParse(line, out var figures) ? (figures, null) : (null, $"the measuring process wrote '{line.Trim()}'");
    }

    /// <summary>The child's side; returns the exit code.</summary>
    public static int Run(string[] arguments, TextWriter output, TextWriter error) =>
        MeasureChild.Run(Command, arguments, error, (contender, workload) => output.WriteLine(contender.MeasureCold(workload).ToLine()));
}

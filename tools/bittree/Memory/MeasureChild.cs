using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>The child's side of a memory figure: one trace, one mode, one allocator, one line on the standard output.</summary>
internal static class MeasureChild
{
    /// <summary>Runs the request; returns the exit code.</summary>
    public static int Run(string[] arguments, TextWriter output, TextWriter error) =>
        Run(MeasureRequest.Command, arguments, error, (contender, workload) => output.WriteLine(contender.MeasureMemory(workload).ToLine()));

    /// <summary>The same for any hidden command that replays one trace on one allocator.</summary>
    public static int Run(string command, string[] arguments, TextWriter error, Action<Contender, Workload> measure)
    {
        if (MeasureRequest.Parse(arguments) is not { } request)
        {
            error.WriteLine($"bittree: {command} is for the tool's own use");
            return Cli.ExitCode.BadInput;
        }

        var workload = new Workload(TraceSource.Load(request.File), request.Mode);
        var contender = ContenderCatalog.Make(request.Allocator, request.Profile, request.Level, request.Cas, request.Peers);
        if (contender is null)
            return Cli.ExitCode.BadInput;
        try
        {
            measure(contender, workload);
            GC.KeepAlive(workload);
            return Cli.ExitCode.Success;
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            error.WriteLine(e.Message);
            return Cli.ExitCode.Failed;
        }
    }
}

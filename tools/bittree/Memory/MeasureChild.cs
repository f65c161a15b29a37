using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>The child's side of a memory figure: one trace, one mode, one allocator, one line on the standard output.</summary>
internal static class MeasureChild
{
    /// <summary>Runs the request; returns the exit code.</summary>
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        if (MeasureRequest.Parse(arguments) is not { } request)
        {
            error.WriteLine($"bittree: {MeasureRequest.Command} is for the tool's own use");
            return Cli.ExitCode.BadInput;
        }

        var workload = new Workload(TraceSource.Load(request.File), request.Mode);
        var contender = ContenderCatalog.Make(request.Allocator, request.Profile, request.Level, request.Cas);
        if (contender is null)
            return Cli.ExitCode.BadInput;
        try
        {
            var figures = contender.MeasureMemory(workload);
            GC.KeepAlive(workload);
            output.WriteLine(figures.ToLine());
            return Cli.ExitCode.Success;
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            error.WriteLine(e.Message);
            return Cli.ExitCode.Failed;
        }
    }
}

using System.CommandLine;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Curves;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Explore;
using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>The whole command line, apart from the process around it: takes arguments and writers, returns the exit code.</summary>
internal static class CommandLine
{
    private const string Help = """
        BitTreeAlloc's command line. Without arguments: replays the embedded trace with every byte checked, in under a minute.

        Examples:
          bittree                        is BitTreeAlloc right, and fast, on this machine?
          bittree replay --help          other traces, allocators, modes, and figures as JSON
          bittree bench                  single questions, measured: the list of them
          bittree litmus FILE            all executions and outcomes of litmus tests under four memory models
          bittree explore --help         every execution of the lock-free code, weak memory included
        """;

    /// <summary>Runs <paramref name="args"/>.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        try
        {
            if (args is [MeasureRequest.Command, ..])
                return MeasureChild.Run(args[1..], output, error);
            if (args is [ColdChild.Command, ..])
                return ColdChild.Run(args[1..], output, error);
            if (args is [CurveChild.Command, ..])
                return CurveChild.Run(args[1..], output, error);
            if (args is [LoopChild.Command, ..])
                return LoopChild.Run(args[1..], output, error);
            var session = new ReplaySession(output, error);
            if (args.Length == 0)
                return session.Run(new ReplayOptions { Verify = true });
            return Invoke(args, session, output, error);
        }
        catch (CliException e)
        {
            error.WriteLine($"bittree: {e.Message}");
            return ExitCode.BadInput;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"bittree: {e.Message}");
            return ExitCode.BadInput;
        }
    }

    private static int Invoke(string[] args, ReplaySession session, TextWriter output, TextWriter error)
    {
        var root = new RootCommand(Help)
        {
            new ReplayCommand().Build(session.Run),
            new BenchCommand().Build(new BenchSession(output, error).Run),
            new ExploreCommand().Build(new ExploreSession(output, error).Run),
            new LitmusCommand().Build(new LitmusSession(output, error).Run),
        };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count != 0)
        {
            // "A command is required" comes along with each word that is none; the word is what helps.
            var words = parsed.UnmatchedTokens.Select(t => $"'{t}' is no command or option; the commands are 'replay', 'bench', 'explore' and 'litmus'").ToList();
            foreach (var problem in words.Count != 0 ? words : parsed.Errors.Select(p => p.Message).Distinct())
                error.WriteLine($"bittree: {problem}");
            error.WriteLine("bittree: see 'bittree --help' and 'bittree COMMAND --help'");
            return ExitCode.BadInput;
        }

        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = error });
    }
}

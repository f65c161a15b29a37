using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>Memory of one contender in one loop, in a process of its own: nothing an earlier loop left can help or hurt. Both sides of that process.</summary>
internal static class LoopChild
{
    /// <summary>The name of the hidden command.</summary>
    public const string Command = "bench-child";

    private const int Arguments = 5;

    /// <summary>Starts the process and takes its figures; on failure they are null and the error says why in one line.</summary>
    public static (MemoryFigures? Figures, string? Error) Start(TimedLoop loop, string contender, BenchRequest request, Profile profile)
    {
        var file = request.Peers.FirstOrDefault(peer => peer.Name == contender)?.Files[0] ?? "";
        return ChildRunner.Run([Command, loop.Name, contender, profile.ToString(), request.Cas.ToString(), file]);
    }

    /// <summary>The child's side: one line on the standard output. Returns the exit code.</summary>
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Length != Arguments || BenchCatalog.Find(arguments[0]) is not TimedLoop loop || !Enum.TryParse<Profile>(arguments[2], out var profile)
            || !Enum.TryParse<CasWidth>(arguments[3], out var cas))
        {
            error.WriteLine($"bittree: {Command} is for the tool's own use");
            return ExitCode.BadInput;
        }

        var request = new BenchRequest { Cas = cas, Peers = arguments[4].Length == 0 ? [] : [PeerDescription.Of(arguments[1], arguments[4])] };
        if (BenchContenders.Make(arguments[1], request, profile) is not { } contender)
        {
            error.WriteLine($"{arguments[1]} cannot be loaded");
            return ExitCode.BadInput;
        }

        try
        {
            output.WriteLine(Measure(loop, contender).ToLine());
            return ExitCode.Success;
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            error.WriteLine(e.Message);
            return ExitCode.Failed;
        }
    }

    /// <summary>Growth of this process's resident set while the loop runs.</summary>
    internal static MemoryFigures Measure(TimedLoop loop, BenchContender contender)
    {
        using var rss = new RssReader();
        using var team = new ThreadTeam(loop.Threads);
        var samplers = new RssSampler[loop.Threads];
        for (var t = 0; t < samplers.Length; t++)
            samplers[t] = new RssSampler(rss);

        // What the runtime compiles at first use is not the contender's growth. One that leaves a trace when it is closed can only be compiled for, not run.
        var first = contender.Open(loop);
        team.Run(t => Work(loop, first, t, new RssSampler(rss), contender.IsInstance ? loop.Granule : 0));
        if (contender.IsInstance)
            End(first, trim: false);
        RssReader.Settle();

        var start = rss.Read();
        var bodies = contender.Open(loop);
        team.Run(t => Work(loop, bodies, t, samplers[t], loop.MemoryOperations));
        var afterFree = rss.Read();
        var peak = Math.Max(afterFree, samplers.Max(sampler => sampler.Peak));
        End(bodies, trim: true);
        return new MemoryFigures(peak - start, afterFree - start, rss.Read() - start);
    }

    private static void Work(TimedLoop loop, LoopBody[] bodies, int thread, RssSampler sampler, long operations)
    {
        var body = bodies[thread];
        if (operations == 0)
        {
            body.Run(0);
            return;
        }

        body.Begin(0, verify: false);
        sampler.Sample();
        for (; operations > 0; operations -= loop.MemoryStep)
        {
            body.RunOrStop(bodies, loop.MemoryStep);
            sampler.Sample();
        }

        body.End();
    }

    private static void End(LoopBody[] bodies, bool trim)
    {
        foreach (var body in bodies)
            body.CloseThread();
        if (trim)
            bodies[0].Trim();
        else
            bodies[0].Close();
    }
}

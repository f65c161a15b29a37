using System.CommandLine;
using System.Globalization;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Replays;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>The command <c>bittree bench</c>: its options, its help, and what they mean together.</summary>
internal sealed class BenchCommand
{
    private const long FewestSamples = 1000;
    private const long MostSamples = 10_000_000_000;

    private const string Help = """
        Measures single questions in loops of their own: arms that are compared run in interleaved rounds, medians and spread are reported.

        Examples:
          bittree bench                                       the loops there are, by groups
          bittree bench large                                 large buffers, recycled: every allocator that is installed
          bittree bench large-random-touched-2t --profile LargeBuffers
          bittree bench large --peer mine=build/libmine.so    one more allocator: a library with malloc, calloc, realloc and free
          bittree bench latency-trim                          what another thread's Trim costs an allocation
          bittree bench latency-churn --samples 1000000       single operations of every allocator: percentiles, CCDF
          bittree bench cc1.mtr.gz python.mtr.gz              traces: times, memory, first runs; means over all of them
          bittree bench memory                                memory alone: the embedded trace and made ones
          bittree bench curves --html curves.html             costs as blocks, live bytes and threads become more; minutes, so not in all
          bittree bench all --rounds 9 --json out.json        every loop but the curves; rows for a program
          bittree bench traces --profile LowLatency,Balanced,Frugal --html out.html
          bittree bench latency-trim --profile Frugal,LowLatency

        Exit code: 0 measured; 1 an allocator failed, or gave memory twice; 2 a bad option, loop, file or peer.
        """;

    private readonly Argument<string[]> _loops = new("LOOP") { Description = "Names of loops or of groups of them, or all (without the curves); then FILEs: traces, *.mtr or *.mtr.gz, for loops that read some. FILEs alone: traces. Nothing: a list of the loops.", Arity = ArgumentArity.ZeroOrMore };

    private readonly Option<string[]> _profiles = new("--profile")
    {
        HelpName = "NAME",
        Description = $"Memory policy: {string.Join(", ", Enum.GetNames<Profile>())}. Repeat, or separate by commas. Default: {Profile.Balanced}.",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string[]> _peers = new("--peer")
    {
        HelpName = "NAME=PATH",
        Description = "Also measure the allocator in the shared library PATH, which exports malloc, calloc, realloc and free. Repeat for more.",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _cas = new("--cas") { HelpName = "16|8", Description = "Force the recycler's compare-and-swap to 16 or 8 bytes. Default: BITTREE_CAS, else what the machine has." };

    private readonly Option<string> _rounds = new("--rounds") { HelpName = "N", Description = $"Counted rounds, after one that warms up. 1 to {ReplayOptions.MostRounds}; default {BenchRequest.DefaultRounds}." };

    private readonly Option<string> _samples = new("--samples") { HelpName = "N", Description = $"Samples per arm, over all rounds, of loops that time single calls. Default: {BenchRequest.DefaultSamples}." };

    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Also write the rows to FILE as a JSON array." };

    private readonly Option<string> _html = new("--html") { HelpName = "FILE", Description = "Also write a report with drawings to FILE: one page that needs nothing else." };

    /// <summary>Makes the command; <paramref name="run"/> does the work and returns the exit code.</summary>
    public Command Build(Func<BenchRequest, int> run)
    {
        var command = new Command("bench", Help) { _loops, _profiles, _peers, _cas, _rounds, _samples, _json, _html };
        command.SetAction(result => run(Read(result)));
        return command;
    }

    private BenchRequest Read(ParseResult result)
    {
        var request = Words(result.GetValue(_loops) ?? []) with { Json = result.GetValue(_json), Html = result.GetValue(_html) };
        if (result.GetValue(_peers) is { Length: > 0 } peers)
            request = request with { Peers = Peers(peers, request.Loops) };
        if (result.GetValue(_profiles) is { Length: > 0 } profiles)
            request = request with { Profiles = OptionValues.Profiles(profiles) };
        if (result.GetValue(_cas) is { } cas)
            request = request with { Cas = OptionValues.Cas(cas) };
        if (result.GetValue(_rounds) is { } rounds)
            request = request with { Rounds = OptionValues.Rounds(rounds), RoundsAreGiven = true };
        if (result.GetValue(_samples) is { } samples)
            request = request with { Samples = Samples(samples) };
        if (request.Html is { Length: 0 })
            throw new CliException("--html: an empty file name");
        return request.Json is { Length: 0 } ? throw new CliException("--json: an empty file name") : request;
    }

    private static BenchRequest Words(string[] words)
    {
        var names = new List<string>();
        var files = new List<string>();
        foreach (var word in words)
        {
            if (word.StartsWith('-'))
                throw new CliException($"'{word}' is no option of this command; see 'bittree bench --help'");
            if (BenchCatalog.Select(word).ToList() is { Count: > 0 })
                names.Add(word);
            else if (File.Exists(word) || Directory.Exists(word) || word.EndsWith(".mtr", StringComparison.Ordinal) || word.EndsWith(".mtr.gz", StringComparison.Ordinal) || word.Contains('/', StringComparison.Ordinal))
                files.Add(word);
            else
                throw new CliException($"LOOP: '{word}' is not possible; use {string.Join(", ", BenchCatalog.Names)}");
        }

        if (names.Count == 0 && files.Count != 0)
            names.Add(TraceLoop.GroupName);
        var loops = names.SelectMany(name => Of(name, files.Count != 0)).ToList();
        if (files.Count != 0 && !loops.Exists(loop => loop.ReadsTraces))
            throw new CliException($"FILE: '{files[0]}' is read by none of the loops named; leave it out{Readers()}");
        return new BenchRequest { Loops = [.. loops.Select(loop => loop.Name).Distinct()], Files = files };
    }

    // Beside the user's traces, a group of loops of which some read them means those.
    private static IEnumerable<IBenchLoop> Of(string name, bool withFiles)
    {
        var loops = BenchCatalog.Select(name).ToList();
        return withFiles && BenchCatalog.Groups.Contains(name, StringComparer.OrdinalIgnoreCase) && loops.Exists(loop => loop.ReadsTraces) ? loops.Where(loop => loop.ReadsTraces) : loops;
    }

    private static string Readers() => BenchCatalog.Loops.Where(loop => loop.ReadsTraces).Select(loop => loop.Group).Distinct().ToList() is { Count: > 0 } names ? $", or name {string.Join(" or ", names)}" : "";

    private static IReadOnlyList<PeerDescription> Peers(string[] values, IReadOnlyList<string> loops)
    {
        var peers = OptionValues.Peers(values);
        return loops.Any(name => BenchCatalog.Find(name)!.ComparesAllocators)
            ? peers
            : throw new CliException($"--peer: '{values[0]}' has no use, since none of the loops named compares allocators; use {string.Join(", ", BenchCatalog.Loops.Where(loop => loop.ComparesAllocators).Select(loop => loop.Group).Distinct())}");
    }

    private static long Samples(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var samples) && samples is >= FewestSamples and <= MostSamples
            ? samples
            : throw new CliException($"--samples: '{value}' is not possible; use a number from {FewestSamples} to {MostSamples}");
}

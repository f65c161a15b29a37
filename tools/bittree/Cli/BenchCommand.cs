using System.CommandLine;
using System.Globalization;
using BitTreeAlloc.Tool.Bench;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>The command <c>bittree bench</c>: its options, its help, and what they mean together.</summary>
internal sealed class BenchCommand
{
    private const string All = "all";
    private const long FewestSamples = 1000;
    private const long MostSamples = 10_000_000_000;

    private const string Help = """
        Measures single questions in loops of their own: arms that are compared run in interleaved rounds, medians and spread are reported.

        Examples:
          bittree bench                                       the loops there are
          bittree bench latency-trim                          what another thread's Trim costs an allocation
          bittree bench all --rounds 9 --json out.json        every loop; rows for a program
          bittree bench latency-trim --profile Frugal,LowLatency

        Exit code: 0 measured; 2 a bad option or loop.
        """;

    private readonly Argument<string[]> _loops = new("LOOP") { Description = "Names of loops, or all. None: a list of them.", Arity = ArgumentArity.ZeroOrMore };

    private readonly Option<string[]> _profiles = new("--profile")
    {
        HelpName = "NAME",
        Description = $"Memory policy: {string.Join(", ", Enum.GetNames<Profile>())}. Repeat, or separate by commas. Default: {Profile.Balanced}.",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _cas = new("--cas") { HelpName = "16|8", Description = "Force the recycler's compare-and-swap to 16 or 8 bytes. Default: BITTREE_CAS, else what the machine has." };

    private readonly Option<string> _rounds = new("--rounds") { HelpName = "N", Description = $"Counted rounds, after one that warms up. 1 to {ReplayOptions.MostRounds}; default {BenchRequest.DefaultRounds}." };

    private readonly Option<string> _samples = new("--samples") { HelpName = "N", Description = $"Samples per arm, over all rounds, of loops that time single calls. Default: {BenchRequest.DefaultSamples}." };

    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Also write the rows to FILE as a JSON array." };

    /// <summary>Makes the command; <paramref name="run"/> does the work and returns the exit code.</summary>
    public Command Build(Func<BenchRequest, int> run)
    {
        var command = new Command("bench", Help) { _loops, _profiles, _cas, _rounds, _samples, _json };
        command.SetAction(result => run(Read(result)));
        return command;
    }

    private BenchRequest Read(ParseResult result)
    {
        var request = new BenchRequest { Loops = Loops(result.GetValue(_loops) ?? []), Json = result.GetValue(_json) };
        if (result.GetValue(_profiles) is { Length: > 0 } profiles)
            request = request with { Profiles = OptionValues.Profiles(profiles) };
        if (result.GetValue(_cas) is { } cas)
            request = request with { Cas = OptionValues.Cas(cas) };
        if (result.GetValue(_rounds) is { } rounds)
            request = request with { Rounds = OptionValues.Rounds(rounds) };
        if (result.GetValue(_samples) is { } samples)
            request = request with { Samples = Samples(samples) };
        return request.Json is { Length: 0 } ? throw new CliException("--json: an empty file name") : request;
    }

    private static List<string> Loops(string[] names)
    {
        foreach (var name in names)
        {
            if (name.StartsWith('-'))
                throw new CliException($"'{name}' is no option of this command; see 'bittree bench --help'");
            if (name != All && BenchCatalog.Find(name) is null)
                throw new CliException($"LOOP: '{name}' is not possible; use {string.Join(", ", BenchCatalog.Loops.Select(loop => loop.Name))}, {All}");
        }

        return names.Contains(All) ? [.. BenchCatalog.Loops.Select(loop => loop.Name)] : [.. names.Select(name => name.ToLowerInvariant()).Distinct()];
    }

    private static long Samples(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var samples) && samples is >= FewestSamples and <= MostSamples
            ? samples
            : throw new CliException($"--samples: '{value}' is not possible; use a number from {FewestSamples} to {MostSamples}");
}

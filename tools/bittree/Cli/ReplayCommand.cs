using System.CommandLine;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>The command <c>bittree replay</c>: its options, its help, and what they mean together.</summary>
internal sealed class ReplayCommand
{
    private const string Help = """
        Replays recorded malloc traces of real programs: times them, and measures memory in fresh processes.

        Examples:
          bittree replay                                      the embedded trace: BitTreeAlloc and NativeMemory
          bittree replay --verify                             the same, after a run in which every byte is checked
          bittree replay traces/*.mtr.gz --mode both          several traces, on one thread and on the recorded threads
          bittree replay --allocator all --rounds 11          every allocator that is installed, steadier figures
          bittree replay --profile Frugal,LowLatency          two memory policies, one row each
          bittree replay --level fast,checked                 what the checks of the checked level cost
          bittree replay --verify --cas 8 --json out.json     the 8-byte form of the recycler; rows for a program

        Exit code: 0 all well; 1 an allocator failed verification; 2 a bad option, file or trace.
        """;

    private readonly Argument<string[]> _files = new("FILE")
    {
        Description = "Traces, *.mtr or *.mtr.gz (told apart by content). None: the embedded trace.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string[]> _allocators = Many("--allocator", "NAME", $"{string.Join(", ", ContenderCatalog.Names)} or all (those installed). Repeat, or separate by commas. Default: bittree,native.");

    private readonly Option<string[]> _modes = Many("--mode", "MODE", "serial (one thread), parallel (the recorded threads) or both. Default: serial.");

    private readonly Option<string[]> _profiles = Many("--profile", "NAME", $"Memory policy of bittree: {string.Join(", ", Enum.GetNames<Profile>())}. Default: {Profile.Balanced}.");

    private readonly Option<string[]> _levels = Many("--level", "LEVEL", "How much bittree checks: fast, checked or both (fast,checked). Default: BITTREE_CHECK, else fast.");

    private readonly Option<string> _cas = new("--cas") { HelpName = "16|8", Description = "Force the recycler's compare-and-swap to 16 or 8 bytes. Default: BITTREE_CAS, else what the machine has." };

    private readonly Option<bool> _verify = new("--verify")
    {
        Description = "First replay with every allocation filled and checked: content, overlap, alignment, zeros, usable size, nothing left over.",
        Arity = ArgumentArity.Zero,
    };

    private readonly Option<string> _rounds = new("--rounds") { HelpName = "N", Description = $"Timed rounds, interleaved among the allocators; medians are reported. Also the fresh processes behind each memory figure, up to {MemoryStudy.MostChildren}. 1 to {ReplayOptions.MostRounds}; default {ReplayOptions.DefaultRounds}." };

    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Also write the rows to FILE as a JSON array." };

    /// <summary>Makes the command; <paramref name="run"/> does the work and returns the exit code.</summary>
    public Command Build(Func<ReplayOptions, int> run)
    {
        var command = new Command("replay", Help) { _files, _allocators, _modes, _profiles, _levels, _cas, _verify, _rounds, _json };
        command.SetAction(result => run(Read(result)));
        return command;
    }

    private ReplayOptions Read(ParseResult result)
    {
        var options = new ReplayOptions { Verify = result.GetValue(_verify), Json = result.GetValue(_json) };
        var files = result.GetValue(_files) ?? [];
        foreach (var file in files)
        {
            if (file.Length == 0)
                throw new CliException("FILE: an empty name");
            if (file[0] == '-' && !File.Exists(file))
                throw new CliException($"'{file}' is no option of this command; see 'bittree replay --help'");
        }

        if (files.Length != 0)
            options = options with { Files = files };
        if (result.GetValue(_allocators) is { Length: > 0 } allocators)
            options = options with { Allocators = OptionValues.Allocators(allocators, out var all), WarnAboutMissing = !all };
        if (result.GetValue(_modes) is { Length: > 0 } modes)
            options = options with { Modes = OptionValues.Modes(modes) };
        if (result.GetValue(_profiles) is { Length: > 0 } profiles)
            options = options with { Profiles = OptionValues.Profiles(profiles) };
        if (result.GetValue(_levels) is { Length: > 0 } levels)
            options = options with { Levels = OptionValues.Levels(levels) };
        if (result.GetValue(_cas) is { } cas)
            options = options with { Cas = OptionValues.Cas(cas) };
        if (result.GetValue(_rounds) is { } rounds)
            options = options with { Rounds = OptionValues.Rounds(rounds) };
        return options.Json is { Length: 0 } ? throw new CliException("--json: an empty file name") : options;
    }

    private static Option<string[]> Many(string name, string helpName, string description) =>
        new(name) { HelpName = helpName, Description = description, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };
}

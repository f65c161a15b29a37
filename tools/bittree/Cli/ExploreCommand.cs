using System.CommandLine;
using System.Globalization;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Tool.Explore;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>The command <c>bittree explore</c>: its options, its help, and what they mean together.</summary>
internal sealed class ExploreCommand
{
    private const string Help = """
        Runs the shipped lock-free code through every execution that a memory model allows, or through a sample of them.

        Examples:
          bittree explore --list                              what there is
          bittree explore recycler                            every scenario whose name begins so
          bittree explore '*cas16*' --model tso               names may have * and ?
          bittree explore --all --json out.json               everything, rows for a program
          bittree explore tree --engine baton --iterations 100000 --seed 7
          bittree explore --replay TOKEN --html trace.html    one failing execution again, as a page
          bittree explore --mutants                           planted mistakes: every one has to be seen

        Exit code: 0 all well; 1 a bug was found, or a mutant survives; 2 a bad option, name or token.
        """;

    private readonly Argument<string[]> _scenarios = new("SCENARIO") { Description = "Names, beginnings of names, or patterns with * and ?.", Arity = ArgumentArity.ZeroOrMore };

    private readonly Option<bool> _all = Flag("--all", "Every scenario.");

    private readonly Option<bool> _list = Flag("--list", "List scenarios with threads, bounds and claims.");

    private readonly Option<string> _engine = new("--engine") { HelpName = "NAME", Description = "graph (exhaustive), baton (real threads, sampled) or coyote (in the tests only). Default: graph." };

    private readonly Option<string> _model = new("--model") { HelpName = "NAME", Description = "rc11, net, tso or sc. Default: rc11." };

    private readonly Option<string> _bound = new("--bound") { HelpName = "D", Description = "graph: deviations from the default choices, tried from 1 up. Default: the scenario's own." };

    private readonly Option<string> _iterations = new("--iterations") { HelpName = "N", Description = "Executions per scenario. Default: graph all, baton 10000." };

    private readonly Option<string> _seed = new("--seed") { HelpName = "S", Description = "baton: seed of the first execution; the next has the next number. Default: 1." };

    private readonly Option<string> _shard = new("--shard") { HelpName = "I/N", Description = "The I-th of N parts, from 1: of the seeds (baton) or of the scenarios (graph)." };

    private readonly Option<string> _replay = new("--replay") { HelpName = "TOKEN", Description = "Rebuild the execution of a token and show it." };

    private readonly Option<bool> _mutants = Flag("--mutants", "Run the planted mistakes; 0 exactly when each that is not equivalent is seen.");

    private readonly Option<bool> _bench = Flag("--bench", "Executions per second, beside a calibration loop.");

    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Also write the rows to FILE as a JSON array." };

    private readonly Option<string> _html = new("--html") { HelpName = "FILE", Description = "Also write the failing execution to FILE as a sequence diagram." };

    /// <summary>Makes the command; <paramref name="run"/> does the work and returns the exit code.</summary>
    public Command Build(Func<ExploreRequest, int> run)
    {
        var command = new Command("explore", Help) { _scenarios, _all, _list, _engine, _model, _bound, _iterations, _seed, _shard, _replay, _mutants, _bench, _json, _html };
        command.SetAction(result => run(Read(result)));
        return command;
    }

    private ExploreRequest Read(ParseResult result)
    {
        var scenarios = result.GetValue(_scenarios) ?? [];
        if (Array.Find(scenarios, name => name.StartsWith('-') || name.Length == 0) is { } wrong)
            throw new CliException(wrong.Length == 0 ? "SCENARIO: an empty name" : $"'{wrong}' is no option of this command; see 'bittree explore --help'");
        var request = new ExploreRequest
        {
            Scenarios = scenarios,
            All = result.GetValue(_all),
            List = result.GetValue(_list),
            Replay = result.GetValue(_replay),
            Mutants = result.GetValue(_mutants),
            Bench = result.GetValue(_bench),
            Json = result.GetValue(_json),
            Html = result.GetValue(_html),
        };
        if (result.GetValue(_engine) is { } engine)
            request = request with { Engine = engine is "graph" or "baton" or "coyote" ? engine : throw Illegal("--engine", engine, "graph, baton or coyote") };
        if (result.GetValue(_model) is { } model)
            request = request with { Model = ModelOf(model) };
        if (result.GetValue(_bound) is { } bound)
            request = request with { Bound = (int)Number("--bound", bound, 0, 1_000_000) };
        if (result.GetValue(_iterations) is { } iterations)
            request = request with { Iterations = (long)Number("--iterations", iterations, 1, long.MaxValue) };
        if (result.GetValue(_seed) is { } seed)
            request = request with { Seed = Number("--seed", seed, 0, ulong.MaxValue) };
        if (result.GetValue(_shard) is { } shard)
            request = WithShard(request, shard);
        if (request is { All: true, Scenarios.Count: > 0 })
            throw new CliException("--all and names together: give one of them");
        return request is { Engine: "baton", Bound: not null } ? throw new CliException("--bound: the baton engine samples; it has no deviations to bound") : request;
    }

    private static MemoryModel ModelOf(string model) => model switch
    {
        "rc11" => MemoryModel.Rc11,
        "net" => MemoryModel.Net,
        "tso" => MemoryModel.Tso,
        "sc" => MemoryModel.Sc,
        _ => throw Illegal("--model", model, "rc11, net, tso or sc"),
    };

    private static ExploreRequest WithShard(ExploreRequest request, string shard)
    {
        var parts = shard.Split('/');
        if (parts.Length != 2)
            throw Illegal("--shard", shard, "I/N, such as 1/4");
        var count = (int)Number("--shard", parts[1], 1, 1_000_000);
        return request with { Shard = (int)Number("--shard", parts[0], 1, (ulong)count) - 1, Shards = count };
    }

    private static ulong Number(string option, string value, ulong least, ulong most) =>
        ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Illegal(option, value, $"a number from {least} to {most}");

    private static CliException Illegal(string option, string value, string legal) => new($"{option}: '{value}' is not possible; use {legal}");

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };
}

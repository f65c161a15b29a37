using System.CommandLine;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>What <c>bittree litmus</c> is to do.</summary>
/// <param name="File">The file of tests.</param>
/// <param name="Models">The memory models, in the order of the rows.</param>
/// <param name="Json">Where the rows go as JSON, or null.</param>
internal sealed record LitmusOptions(string File, IReadOnlyList<MemoryModel> Models, string? Json);

/// <summary>The command <c>bittree litmus</c>: its options and its help.</summary>
internal sealed class LitmusCommand
{
    private const string Help = """
        Explores every execution of litmus tests under memory models: one row per test and model.

        FILE has one test per line, NAME:THREAD || THREAD, a thread being operations with semicolons between them; locations start at 0:
          W x v o   store v to x              R x o       load x
          A x v o   fetch-add v               X x v o     exchange with v
          C x e v o compare-exchange e to v   F o         fence
        o is rlx, acq, rel, ar or sc. Empty lines and lines that begin with # are skipped.

        Examples:
          bittree litmus tests.txt                     rc11, net, tso and sc
          bittree litmus tests.txt --model net         one model
          bittree litmus tests.txt --json out.json     rows for a program

        Exit code: 0 all explored; 2 a bad option, file or test.
        """;

    private readonly Argument<string> _file = new("FILE") { Description = "The tests.", Arity = ArgumentArity.ExactlyOne };

    private readonly Option<string> _model = new("--model") { HelpName = "rc11|net|tso|sc", Description = "The memory model. Default: all four." };

    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Also write the rows to FILE as a JSON array." };

    /// <summary>The models, as rows name them.</summary>
    public static IReadOnlyList<(string Name, MemoryModel Model)> Models { get; } =
        [("rc11", MemoryModel.Rc11), ("net", MemoryModel.Net), ("tso", MemoryModel.Tso), ("sc", MemoryModel.Sc)];

    /// <summary>Makes the command; <paramref name="run"/> does the work and returns the exit code.</summary>
    public Command Build(Func<LitmusOptions, int> run)
    {
        var command = new Command("litmus", Help) { _file, _model, _json };
        command.SetAction(result => run(Read(result)));
        return command;
    }

    private LitmusOptions Read(ParseResult result)
    {
        var file = result.GetValue(_file) ?? "";
        if (file.Length == 0)
            throw new CliException("FILE: an empty name");
        if (file[0] == '-' && !File.Exists(file))
            throw new CliException($"'{file}' is no option of this command; see 'bittree litmus --help'");
        var json = result.GetValue(_json);
        if (json is { Length: 0 })
            throw new CliException("--json: an empty file name");
        return new LitmusOptions(file, result.GetValue(_model) is { } model ? [Model(model)] : [.. Models.Select(known => known.Model)], json);
    }

    private static MemoryModel Model(string value)
    {
        foreach (var (name, model) in Models)
        {
            if (name.Equals(value, StringComparison.OrdinalIgnoreCase))
                return model;
        }

        throw new CliException($"--model: '{value}' is not possible; use {string.Join(", ", Models.Select(known => known.Name))}");
    }
}

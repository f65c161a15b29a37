using System.Globalization;
using BitTreeAlloc.Bench.Recycler;
using BitTreeAlloc.Bench.Runs;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Bench.Twin;
using BitTreeAlloc.Bench.WholeAllocator;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Output;

namespace BitTreeAlloc.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed class Command
{
    private const string HelpText = """
        Side-by-side measurements, one subject each.

          recycler     the two forms of the stack and slot arrays: 1 thread, producer and consumer, 2 threads contended, bursts
          allocator    the whole allocator, both forms, beside its peers: producer and consumer over a ring, bursts of 500 and 5000
          bytes        the same loops over the recycler's bound per class, 16 KiB to 512 KiB
          runs         a take and a give of runs of pages, in chunks filled in four ways
          single       the recycler's single-thread loops under BenchmarkDotNet
          twin [LOOP…] the same algorithm in C, whole loops there, beside the C#; all loops where none is named
          sweep NAME   decisions of shape: the C twin compiled with other numbers, and the options of the C#; 'sweep' alone lists them
          bdn [FILTER] the loops of 'bittree bench' under BenchmarkDotNet; FILTER is part of a loop's name

          --rounds N   timed rounds per contender (default 101); all contenders take turns within a round
          --check      twin: the twin's own check instead of times, with planted faults that it has to find
          --peers      twin: peers too, with the whole loop in C
          --trace FILE sweep: this trace in place of the built-in one
          --svg FILE   sweep: the ratios as a picture
          --json FILE  also write every row to FILE as a JSON array

        Peers are taken where they are installed. jemalloc needs more static thread-local storage than the loader keeps:
        set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384. Exit code: 0; 2 on a bad option.
        """;

    private static readonly string[] s_subjects = ["recycler", "allocator", "bytes", "runs", "single", "twin", "sweep", "bdn"];

    private readonly string _subject;
    private readonly List<string> _names = [];
    private int _rounds = 101;
    private bool _check;
    private bool _peers;
    private string? _trace;
    private string? _svg;
    private JsonReport? _json;

    private Command(string subject) => _subject = subject;

    /// <summary>Null where help was asked for, or nothing.</summary>
    /// <exception cref="CliException">An option or a subject is not known, or its value cannot be used.</exception>
    public static Command? Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || arguments[0] is "--help" or "-h")
            return null;
        var command = new Command(s_subjects.Contains(arguments[0]) ? arguments[0] : throw new CliException($"'{arguments[0]}' is no subject: {string.Join(", ", s_subjects)}"));
        for (var i = 1; i < arguments.Count; i++)
        {
            if (arguments[i] is "--help" or "-h")
                return null;
            if (!arguments[i].StartsWith('-'))
                command._names.Add(command.Known(arguments[i]));
            else if (arguments[i] is "--check" or "--peers" && command._subject == "twin")
                command.Switch(arguments[i]);
            else
                command.Option(arguments[i], ++i < arguments.Count ? arguments[i] : throw new CliException($"{arguments[i - 1]} needs a value"));
        }

        if (command._subject == "sweep" && command._names.Count > 1)
            throw new CliException("sweep takes one name");
        return command._subject == "single" && arguments.Count > 1
            ? throw new CliException("single takes no options: BenchmarkDotNet decides about rounds and writes its own reports")
            : command;
    }

    public static int Help(TextWriter output)
    {
        output.WriteLine(HelpText);
        return 0;
    }

    public int Run(TextWriter output)
    {
        switch (_subject)
        {
            case "single":
                return SingleThread.Run();
            case "bdn":
                return Catalog.CatalogLoops.Run(_names);
            case "sweep" when _names.Count == 0:
                Sweep.List(output);
                return 0;
            case "twin" when _check:
                return TwinStudy.Check(output);
        }

        var tables = _subject switch
        {
            "recycler" => RecyclerStudy.Run(_rounds, output),
            "allocator" => AllocatorStudy.Run(_rounds, output),
            "runs" => PageRunStudy.Run(_rounds, output),
            "twin" => TwinStudy.Run(_names.Count == 0 ? TwinLoop.All : [.. _names.Select(name => TwinLoop.All.First(loop => loop.Name == name))], _rounds, _peers, output),
            "sweep" => Sweep.Run(_names[0], _rounds, _trace, _svg, output),
            _ => AllocatorStudy.RunBytes(_rounds, output),
        };
        _json?.Write(tables.SelectMany(table => table.Rows.Select(row => (table.Loop, Row: row))), (json, entry) => Figures.Write(json, _subject, entry.Loop, entry.Row));
        return 0;
    }

    private void Switch(string option)
    {
        _check |= option == "--check";
        _peers |= option == "--peers";
    }

    private void Option(string option, string value)
    {
        switch (option)
        {
            case "--rounds":
                _rounds = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds is >= 1 and <= 1000
                    ? rounds : throw new CliException($"--rounds is '{value}'; it has to be 1 to 1000");
                break;
            case "--json":
                _json = new JsonReport(value);
                break;
            case "--trace" when _subject == "sweep":
                _trace = value;
                break;
            case "--svg" when _subject == "sweep":
                _svg = value;
                break;
            default:
                throw new CliException($"'{option}' is no option of {_subject}; --help lists them");
        }
    }

    /// <summary>A name that the subject knows.</summary>
    private string Known(string name)
    {
        IEnumerable<string> known = _subject switch
        {
            "twin" => TwinLoop.All.Select(loop => loop.Name),
            "sweep" => Sweep.Names,
            "bdn" => Catalog.CatalogLoops.Matching(name).Count == 0 ? Tool.Bench.BenchCatalog.Loops.Select(loop => loop.Name) : [name],
            _ => throw new CliException($"{_subject} takes no names, and '{name}' is no option"),
        };
        return known.Contains(name) ? name : throw new CliException($"'{name}' is not known to {_subject}: {string.Join(", ", known)}");
    }
}

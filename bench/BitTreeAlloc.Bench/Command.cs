using System.Globalization;
using BitTreeAlloc.Bench.Recycler;
using BitTreeAlloc.Bench.Runs;
using BitTreeAlloc.Bench.Timing;
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

          --rounds N   timed rounds per contender (default 101); all contenders take turns within a round
          --json FILE  also write every row to FILE as a JSON array

        Peers are taken where they are installed. jemalloc needs more static thread-local storage than the loader keeps:
        set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384. Exit code: 0; 2 on a bad option.
        """;

    private readonly string _subject;
    private int _rounds = 101;
    private JsonReport? _json;

    private Command(string subject) => _subject = subject;

    /// <summary>Null where help was asked for, or nothing.</summary>
    /// <exception cref="CliException">An option or a subject is not known, or its value cannot be used.</exception>
    public static Command? Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || arguments[0] is "--help" or "-h")
            return null;
        var command = new Command(arguments[0] is "recycler" or "allocator" or "bytes" or "runs" or "single"
            ? arguments[0] : throw new CliException($"'{arguments[0]}' is no subject: recycler, allocator, bytes, runs or single"));
        for (var i = 1; i < arguments.Count; i += 2)
        {
            var value = i + 1 < arguments.Count ? arguments[i + 1] : throw new CliException($"{arguments[i]} needs a value");
            switch (arguments[i])
            {
                case "--rounds":
                    command._rounds = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds is >= 1 and <= 1000
                        ? rounds : throw new CliException($"--rounds is '{value}'; it has to be 1 to 1000");
                    break;
                case "--json":
                    command._json = new JsonReport(value);
                    break;
                default:
                    throw new CliException($"'{arguments[i]}' is no option: --rounds or --json");
            }
        }

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
        if (_subject == "single")
            return SingleThread.Run();
        var tables = _subject switch
        {
            "recycler" => RecyclerStudy.Run(_rounds, output),
            "allocator" => AllocatorStudy.Run(_rounds, output),
            "runs" => PageRunStudy.Run(_rounds, output),
            _ => AllocatorStudy.RunBytes(_rounds, output),
        };
        _json?.Write(tables.SelectMany(table => table.Rows.Select(row => (table.Loop, Row: row))), (json, entry) => Figures.Write(json, _subject, entry.Loop, entry.Row));
        return 0;
    }
}

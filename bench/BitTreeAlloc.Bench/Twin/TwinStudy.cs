using System.Globalization;
using BitTreeAlloc.Bench.Timing;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>The product beside the same algorithm in C, and peers with the whole loop in C too.</summary>
internal static unsafe class TwinStudy
{
    /// <summary>The claim: C# takes at most this many times C's time.</summary>
    public const double Bar = 1.25;

    /// <summary>Where C has the yardstick's row and C# the second.</summary>
    public static IReadOnlyList<Table> Run(IReadOnlyList<TwinLoop> loops, int rounds, bool withPeers, TextWriter output)
    {
        using var compiler = CCompiler.Find(out var reason);
        if (compiler is null)
        {
            output.WriteLine($"Skipped: {reason}.");
            return [];
        }

        var library = new TwinLibrary(compiler.MakeLibrary([]));
        SameClasses(library);
        using var threads = new TwoThreads();
        var tables = new List<Table>();
        foreach (var loop in loops)
        {
            List<LoopSide> sides = [new TwinSide("twin in C", library), new ManagedSide("C#", new BitTreeAllocatorOptions())];
            if (withPeers)
            {
                foreach (var peer in PeerLibrary.Known)
                {
                    if (PeerLibrary.TryLoad(peer, out var calls))
                        sides.Add(new PeerSide($"{peer.Name} in C", library, (nint)calls.Malloc, (nint)calls.Free));
                }
            }

            tables.Add(Measure(loop, sides, threads, rounds));
            Figures.Print(output, tables[^1]);
        }

        Conclude(tables, output);
        return tables;
    }

    /// <summary>The sides of one loop in turn, each checked first; disposes of them.</summary>
    public static Table Measure(TwinLoop loop, IReadOnlyList<LoopSide> sides, TwoThreads threads, int rounds)
    {
        var runs = new List<LoopRun>();
        try
        {
            foreach (var side in sides)
                runs.Add(new LoopRun(loop, side, threads));
            return Interleaved.Run($"{loop.Name}, ns per {loop.Unit}", [.. runs.Select(run => new Entrant(run.Name, run.Round))], rounds);
        }
        finally
        {
            foreach (var run in runs)
                run.Dispose();
            foreach (var side in sides)
                side.Dispose();
        }
    }

    /// <summary>The twin's own check, and the same check with a planted fault, which has to fail; 0 where both are so.</summary>
    public static int Check(TextWriter output)
    {
        using var compiler = CCompiler.Find(out var reason);
        if (compiler is null)
        {
            output.WriteLine($"Skipped: {reason}.");
            return 0;
        }

        SameClasses(new TwinLibrary(compiler.MakeLibrary([])));
        var failed = false;
        string[] sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
        Expect("the check", [], succeeds: true);
        Expect("the check under the address and undefined-behaviour sanitizers", sanitizers, succeeds: true);
        Expect("the check, 8-byte recycler, 4 classes per doubling, coloured", ["-DRECYCLER_CAS=8", "-DCLASSES_PER_DOUBLING=4", "-DCOLOUR=1"], succeeds: true);
        foreach (var plant in (int[])[1, 2, 3])
            Expect(string.Create(CultureInfo.InvariantCulture, $"planted fault {plant}"), [string.Create(CultureInfo.InvariantCulture, $"-DPLANT={plant}")], succeeds: false);
        return failed ? 1 : 0;

        void Expect(string what, string[] options, bool succeeds)
        {
            if (compiler.TryMakeCheck(options) is not { } program)
            {
                // Only the sanitizers may be missing.
                failed |= options != sanitizers;
                output.WriteLine($"{what}: this compiler cannot build it");
                return;
            }

            var code = CCompiler.RunCheck(program, out var said);
            var isRight = code == 0 == succeeds;
            failed |= !isRight;
            var verdict = succeeds ? isRight ? "passes" : $"FAILS ({code}): {said.Trim()}" : isRight ? "is found" : "is NOT found: the check is blind";
            output.WriteLine($"{what}: {verdict}");
        }
    }

    private static void SameClasses(TwinLibrary library)
    {
        for (ulong size = 0; size <= Bits.SizeClasses.MaxSize; size += size < Bits.SizeClasses.TableLimit ? 1u : 61)
        {
            int ours = Bits.SizeClasses.ClassOf((nuint)size), theirs = library.ClassOf(size);
            if (ours != theirs || Bits.SizeClasses.SlotSize(ours, 8) != library.SlotSize(theirs))
                throw new TwinException($"{size} bytes are class {ours} in C# and {theirs} in C: the twin is of another shape (bench/twin/shape.h, classes.h)");
        }
    }

    private static void Conclude(List<Table> tables, TextWriter output)
    {
        foreach (var table in tables)
        {
            var ratio = table.Rows[1].RatioTo(table.Rows[0]);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{table.Loop}: C# / C {ratio:f2}, {(ratio <= Bar ? "within" : "ABOVE")} {Bar}"));
        }
    }
}

using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using FsCheck;
using FsCheck.Fluent;

namespace BitTreeAlloc.Tests.Property.Runs;

/// <summary>What a step does.</summary>
internal enum RunVerb
{
    /// <summary>Takes A pages, aligned to B.</summary>
    Take,

    /// <summary>Gives the live run in turn A.</summary>
    Give,

    /// <summary>Gives page A, whatever lies there.</summary>
    GivePage,

    /// <summary>Grows the live run in turn A by B pages.</summary>
    Grow,

    /// <summary>Shrinks the live run in turn A to B pages.</summary>
    Shrink,
}

/// <summary>One step.</summary>
internal readonly record struct RunStep(RunVerb Verb, int A, int B)
{
    public override string ToString() => $"{Verb}({A}, {B})";
}

/// <summary>A chunk and what is done to it.</summary>
internal sealed record RunProgram(int Pages, ulong BasePage, RunStep[] Steps)
{
    public static Arbitrary<RunProgram> Any(int mostPages, int longest) => Arb.From(Programs(mostPages, longest), Smaller);

    public override string ToString() => $"{Pages} pages from page {BasePage}: {string.Join(", ", Steps)}";

    private static Gen<RunProgram> Programs(int mostPages, int longest) =>
        from pages in Gen.Choose(1, mostPages)
        from basePage in Gen.Choose(0, 1023)
        from typical in Gen.Choose(1, pages)
        from length in Gen.Choose(1, longest)
        from steps in Gen.ArrayOf(Step(pages, typical), length)
        select new RunProgram(pages, (ulong)basePage, steps);

    private static Gen<RunStep> Step(int pages, int typical) => Gen.Frequency(
        (40, Gen.Choose(1, typical).Zip(Gen.Frequency((4, Gen.Constant(1)), (4, Gen.Choose(0, 9).Select(shift => 1 << shift)), (2, Gen.Choose(2, 40))), (a, b) => new RunStep(RunVerb.Take, a, b))),
        (4, Gen.Choose(-1, pages + 2).Zip(Gen.Choose(-1, 3), (a, b) => new RunStep(RunVerb.Take, a, b))),
        (30, Gen.Choose(0, 1000).Select(a => new RunStep(RunVerb.Give, a, 0))),
        (6, Gen.Choose(-2, pages + 1).Select(a => new RunStep(RunVerb.GivePage, a, 0))),
        (12, Gen.Choose(0, 1000).Zip(Gen.Choose(-1, typical), (a, b) => new RunStep(RunVerb.Grow, a, b))),
        (12, Gen.Choose(0, 1000).Zip(Gen.Choose(-1, typical), (a, b) => new RunStep(RunVerb.Shrink, a, b))));

    private static IEnumerable<RunProgram> Smaller(RunProgram program)
    {
        for (var part = program.Steps.Length / 2; part > 0; part /= 2)
        {
            for (var at = 0; at + part <= program.Steps.Length; at += part)
                yield return program with { Steps = [.. program.Steps[..at], .. program.Steps[(at + part)..]] };
        }

        for (var at = 0; at < program.Steps.Length; at++)
        {
            var step = program.Steps[at];
            foreach (var smaller in new[] { step with { A = step.A / 2 }, step with { B = step.B / 2 } })
            {
                if (smaller != step)
                    yield return program with { Steps = [.. program.Steps[..at], smaller, .. program.Steps[(at + 1)..]] };
            }
        }
    }
}

/// <summary>The shipped code on memory of its own.</summary>
internal sealed unsafe class Chunk<TAtomics, TGeometry> : IDisposable
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private readonly RunChunk* _chunk;

    public Chunk(int pages, ulong basePage)
    {
        _chunk = (RunChunk*)NativeMemory.AllocZeroed((nuint)sizeof(RunChunk));
        _chunk->Taken = (ulong*)NativeMemory.AllocZeroed((nuint)PageRuns<TAtomics, TGeometry>.WordsOf(pages), sizeof(ulong));
        _chunk->Runs = (ulong*)NativeMemory.AllocZeroed((nuint)pages, sizeof(ulong));
        (_chunk->BasePage, _chunk->Pages) = (basePage, pages);
    }

    public int Take(int pages, int alignment) => PageRuns<TAtomics, TGeometry>.TryTake(_chunk, pages, alignment, out var first) ? first : -1;

    public int Give(int first) => PageRuns<TAtomics, TGeometry>.Give(_chunk, first);

    public bool TryGrow(int first, int morePages) => PageRuns<TAtomics, TGeometry>.TryGrow(_chunk, first, morePages);

    public void Shrink(int first, int pages) => PageRuns<TAtomics, TGeometry>.Shrink(_chunk, first, pages);

    public (int Pages, int First) Find(int page) => (PageRuns<TAtomics, TGeometry>.PagesOf(_chunk, page, out var first), first);

    public bool IsTaken(int page) => (_chunk->Taken[page >> TGeometry.WordShift] >> (page & ((1 << TGeometry.WordShift) - 1)) & 1) != 0;

    /// <summary>Bits set beyond the last page.</summary>
    public bool HasStrayBits(int pages)
    {
        for (var page = pages; page < PageRuns<TAtomics, TGeometry>.WordsOf(pages) << TGeometry.WordShift; page++)
        {
            if (IsTaken(page))
                return true;
        }

        return false;
    }

    public void Dispose()
    {
        NativeMemory.Free(_chunk->Taken);
        NativeMemory.Free(_chunk->Runs);
        NativeMemory.Free(_chunk);
    }
}

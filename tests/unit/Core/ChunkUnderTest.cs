using System.Numerics;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>A chunk of pages in memory of its own. There are no pages behind it: runs are numbers.</summary>
internal sealed unsafe class ChunkUnderTest<TAtomics, TGeometry> : IDisposable
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private readonly RunChunk* _chunk;

    public ChunkUnderTest(int pages, ulong basePage = 0)
    {
        Pages = pages;
        _chunk = (RunChunk*)NativeMemory.AllocZeroed((nuint)sizeof(RunChunk));
        _chunk->Taken = (ulong*)NativeMemory.AllocZeroed((nuint)Words, sizeof(ulong));
        _chunk->Runs = (ulong*)NativeMemory.AllocZeroed((nuint)pages, sizeof(ulong));
        _chunk->BasePage = basePage;
        _chunk->Pages = pages;
    }

    public int Pages { get; }

    public int Words => PageRuns<TAtomics, TGeometry>.WordsOf(Pages);

    /// <summary>Pages whose bit is set.</summary>
    public int TakenPages => Enumerable.Range(0, Words).Sum(word => BitOperations.PopCount(_chunk->Taken[word]));

    /// <summary>Descriptors that are not 0.</summary>
    public int Descriptors => Enumerable.Range(0, Pages).Count(page => _chunk->Runs[page] != 0);

    /// <summary>First page of a run of so many pages, or -1.</summary>
    public int Take(int pages, int alignment = 1) => PageRuns<TAtomics, TGeometry>.TryTake(_chunk, pages, alignment, out var first) ? first : -1;

    public int Give(int first) => PageRuns<TAtomics, TGeometry>.Give(_chunk, first);

    public bool TryGrow(int first, int morePages) => PageRuns<TAtomics, TGeometry>.TryGrow(_chunk, first, morePages);

    public void Shrink(int first, int pages) => PageRuns<TAtomics, TGeometry>.Shrink(_chunk, first, pages);

    /// <summary>Pages and first page of the run in which a page lies.</summary>
    public (int Pages, int First) Find(int page) => (PageRuns<TAtomics, TGeometry>.PagesOf(_chunk, page, out var first), first);

    public bool IsTaken(int page) => (_chunk->Taken[page >> TGeometry.WordShift] >> (page & ((1 << TGeometry.WordShift) - 1)) & 1) != 0;

    /// <summary>Makes a free page a run, as another thread would have between two accesses of ours. False: it is not free.</summary>
    public bool TryPlant(int page)
    {
        if (IsTaken(page))
            return false;
        _chunk->Taken[page >> TGeometry.WordShift] |= 1ul << (page & ((1 << TGeometry.WordShift) - 1));
        _chunk->Runs[page] = 1;
        return true;
    }

    public ref ulong Descriptor(int page) => ref _chunk->Runs[page];

    public void Dispose()
    {
        NativeMemory.Free(_chunk->Taken);
        NativeMemory.Free(_chunk->Runs);
        NativeMemory.Free(_chunk);
    }
}

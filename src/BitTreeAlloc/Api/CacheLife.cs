using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>The end of a cache, the same for explicit and ambient ones.</summary>
internal static unsafe class CacheLife
{
    /// <summary>Flushes and gives the record back.</summary>
    public static void Release(CacheRecord* record, bool isExplicit)
    {
        var heap = record->Heap;
        var outcome = heap->Engine.Flush(record, out _);
        if (outcome == Outcome.CacheMisused)
            throw Errors.Misuse(outcome);
        if (isExplicit)
            HardwareAtomics.FetchAddAcqRel(&heap->ExplicitCachesLine.Value, ulong.MaxValue, Site.HeapFigures); // order: a figure [H1]
        heap->Engine.Unregister(record);
        if (outcome != Outcome.Ok)
            throw Errors.Misuse(outcome);
    }
}

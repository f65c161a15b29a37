using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>Ranges that the system refused to take back.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LostTable
{
    /// <summary>How many are kept in mind.</summary>
    public const int Places = 32;

    /// <summary>0: the place is free; 1: somebody works on it; else the start of the range.</summary>
    public fixed ulong Starts[Places];

    /// <summary>Belongs to whoever set the start to 1.</summary>
    public fixed ulong Bytes[Places];
}

/// <summary>
/// Owns: giving back ranges that no word of the heap names (the loser of a race made them, or what was to come with them was refused), and the memory of those that the system
/// did not take back: a release may split a mapping, and at the limit of mappings it is refused. They are released before the next reservation, or with the heap.
/// Invariants: I-O4 a place is worked on by who set it to 1. I-O5 nothing is reserved while fewer than <see cref="Spare"/> places are free: addresses that are forgotten would be lost for ever.
/// Callers: Stretches, RegionAreas, DirectMappings, holding nothing; HeapSetup (end). Checked by: refusals at every release, in growth, of the losers of races and at the end.
/// </summary>
internal static unsafe class LostRanges<TAtomics>
    where TAtomics : struct, IAtomics
{
    private const ulong Worked = 1;

    /// <summary>One reservation gives up two ranges at most: room for four threads that do so at once.</summary>
    private const int Spare = 8;

    /// <summary>Reserves, after what was refused earlier is released. <see cref="VmStatus.TooManyMappings"/> where so much of that is refused again that no more could be kept in mind.</summary>
    public static VmStatus Reserve(Heap* heap, ulong bytes, ulong alignment, void** address) =>
        Repeat(heap) <= LostTable.Places - Spare ? HeapOs<TAtomics>.Reserve(heap, bytes, alignment, address) : VmStatus.TooManyMappings;

    /// <summary>Releases a range that nobody knows, now or later. False where its first <paramref name="written"/> bytes could be neither released nor purged: they stay resident, and charged, until the heap ends.</summary>
    public static bool Release(Heap* heap, void* address, ulong bytes, ulong written = 0)
    {
        if (HeapOs<TAtomics>.Release(heap, address, bytes) == VmStatus.Ok)
            return true;
        var isGone = written == 0 || HeapOs<TAtomics>.Purge(heap, address, written) is VmStatus.Ok or VmStatus.CommitRefused;
        for (var place = 0; place < LostTable.Places; place++)
        {
            var start = heap->Lost.Starts + place;
            if (TAtomics.ReadPlain(start, Site.LostRange) != 0 || !TAtomics.CompareExchangeAcqRel(start, 0, Worked, Site.LostRange)) // order: acquire: who left the place has read its length [O1]
                continue;
            TAtomics.WritePlain(heap->Lost.Bytes + place, bytes, Site.LostRange);
            TAtomics.StoreRelease(start, (ulong)address, Site.LostRange); // order: release: the length is written [O1]
            break;
        }

        return isGone;
    }

    /// <summary>Releases what was refused earlier; how many places are taken afterwards. In a sealed heap none is tried.</summary>
    public static int Repeat(Heap* heap)
    {
        var taken = 0;
        for (var place = 0; place < LostTable.Places; place++)
        {
            // A look, that may be old: who takes the range does so by the exchange.
            var start = heap->Lost.Starts + place;
            var address = TAtomics.ReadPlain(start, Site.LostRange);
            if (address == 0)
                continue;
            taken++;
            if (address == Worked || HeapOs<TAtomics>.IsSealed(heap) || !TAtomics.CompareExchangeAcqRel(start, address, Worked, Site.LostRange)) // order: acquire: the length that belongs to it [O1]
                continue;
            var isGone = HeapOs<TAtomics>.Release(heap, (void*)address, TAtomics.ReadPlain(heap->Lost.Bytes + place, Site.LostRange)) == VmStatus.Ok;
            TAtomics.StoreRelease(start, isGone ? 0 : address, Site.LostRange); // order: release: the length has been read [O1]
            taken -= isGone ? 1 : 0;
        }

        return taken;
    }

    /// <summary>Bytes that are kept in mind. A figure: near the truth while others work.</summary>
    public static ulong BytesOf(Heap* heap)
    {
        var sum = 0ul;
        for (var place = 0; place < LostTable.Places; place++)
            sum += TAtomics.ReadPlain(heap->Lost.Starts + place, Site.LostRange) == 0 ? 0 : TAtomics.ReadPlain(heap->Lost.Bytes + place, Site.LostRange);
        return sum;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the bitmap and the descriptors of a chunk of pages: which pages belong to which run. No system call, no charge: whoever holds a run commits and purges it.
/// Invariants: I-Q1 a page's bit is set by one call at a time, which alone clears it or hands it on with the run. I-Q2 a descriptor is not 0 only while all pages of its run are set.
/// I-Q3 a run is given back by the one exchange or compare-exchange that changed its descriptor, and only after it. I-Q4 words are claimed in ascending order.
/// Callers: regions, from any thread, holding nothing (TryTake, PagesOf) or the run (Give, TryGrow, Shrink). No call waits or repeats a step for another's sake.
/// Checked by: tests/unit/Core/PageRunsTests, tests/property/Runs, the explorer's scenarios runs/….
/// </summary>
/// <remarks>
/// <para>Rejected: a compare-exchange per word instead of the Or. It takes no page from a word in which it fails, but a call may lose it again and again to pages that it does not want; an Or is one
/// step per word, whatever others do. The price: who loses a word holds its free pages until it has given them back.</para>
/// <para>A thread that is stopped in a call strands at most the pages of the one run that it was taking, growing or giving.</para>
/// </remarks>
internal static unsafe class PageRuns<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Words of the bitmap of so many pages.</summary>
    public static int WordsOf(int pages) => (pages + (1 << TGeometry.WordShift) - 1) >> TGeometry.WordShift;

    /// <summary>
    /// Takes the lowest free run of <paramref name="pages"/> pages whose first page, counted with <see cref="RunChunk.BasePage"/>, is a multiple of <paramref name="alignmentPages"/> (any number from 1).
    /// With nobody else at work the answer is exact.
    /// </summary>
    /// <remarks>
    /// <para>False promises this: at each place where the run could lie, some page was seen taken during the call: part of a run, or in the hands of a call under way (a take or grow that may still
    /// fail, a give or shrink that is not complete). So a place that others give back meanwhile may be missed, and the run found need not be the lowest any more.</para>
    /// <para>Of takes and grows that collide with nothing but each other one succeeds: words are claimed upwards, so whoever was first in the highest word in which they met loses nothing. Two that both
    /// fail met a third, a run, or one that was stopped.</para>
    /// <para>Places that begin in one word are told apart by bit arithmetic: about a look per word, plus one per aligned place. A word that is lost costs two read-modify-writes and those of the words before it.</para>
    /// </remarks>
    public static bool TryTake(RunChunk* chunk, int pages, int alignmentPages, out int first)
    {
        first = 0;
        if (pages <= 0 || pages > chunk->Pages || alignmentPages <= 0)
            return false;
        var last = (ulong)(chunk->Pages - pages);
        var alignment = (ulong)alignmentPages;
        for (var start = AlignUp(chunk, 0, alignment); start <= last;)
        {
            var behind = Look(chunk, (int)start, pages);
            if (behind == 0)
                behind = Claim(chunk, (int)start, pages);
            if (behind == 0)
            {
                first = (int)start;

                // order: release: who finds this run does not find an earlier one again, and who gives it clears bits that are set already [J2]
                TAtomics.StoreRelease(chunk->Runs + first, (ulong)pages, Site.RunPublish);
                return true;
            }

            start = AlignUp(chunk, (ulong)behind, alignment);
        }

        return false;
    }

    /// <summary>Gives back the run that starts at <paramref name="first"/> and returns its pages. 0: no run starts there, or of two gives the other took it.</summary>
    public static int Give(RunChunk* chunk, int first)
    {
        if ((uint)first >= (uint)chunk->Pages)
            return 0;

        // order: acquire: the bits are cleared after they were set, whoever gives; release: who finds the run gone finds what came before that [J2]
        var pages = PagesIn(TAtomics.ExchangeAcqRel(chunk->Runs + first, 0, Site.RunTakeOut));
        if (pages != 0)
            Clear(chunk, first, first + pages);
        return pages;
    }

    /// <summary>The owner of the run that starts at <paramref name="first"/>: adds the pages behind it, all or none. False: one of them is taken (as <see cref="TryTake"/> means it), or no run starts there.</summary>
    public static bool TryGrow(RunChunk* chunk, int first, int morePages)
    {
        if ((uint)first >= (uint)chunk->Pages || morePages <= 0)
            return false;
        var run = TAtomics.LoadAcquire(chunk->Runs + first, Site.RunLookup); // order: acquire: the run that the owner was handed [J2]
        var end = first + PagesIn(run);
        if (end == first || morePages > chunk->Pages - end || Look(chunk, end, morePages) != 0 || Claim(chunk, end, morePages) != 0)
            return false;

        // order: release: as in TryTake [J2]
        if (TAtomics.CompareExchangeAcqRel(chunk->Runs + first, run, run + (ulong)morePages, Site.RunResize))
            return true;

        // Somebody gave the run that we hold. What is cleared is what it does not know of.
        Unclaim(chunk, end, end + morePages);
        return false;
    }

    /// <summary>The owner of the run that starts at <paramref name="first"/>: keeps its first <paramref name="pages"/> pages and gives the others back. Nothing happens where it has no more, or for less than 1.</summary>
    public static void Shrink(RunChunk* chunk, int first, int pages)
    {
        if ((uint)first >= (uint)chunk->Pages || pages <= 0)
            return;
        var run = TAtomics.LoadAcquire(chunk->Runs + first, Site.RunLookup); // order: acquire [J2]
        var before = PagesIn(run);

        // order: before the bits, so that a give beside it, which is a mistake, clears the pages that are left and no others [J2]
        if (before > pages && TAtomics.CompareExchangeAcqRel(chunk->Runs + first, run, run - (ulong)(before - pages), Site.RunResize))
            Clear(chunk, first + pages, first + before);
    }

    /// <summary>Pages of the run in which <paramref name="page"/> lies, and its first page; 0 where it lies in none. Exact for a run that stays as it is; one look per page below, at most.</summary>
    public static int PagesOf(RunChunk* chunk, int page, out int first)
    {
        first = 0;
        if ((uint)page >= (uint)chunk->Pages)
            return 0;
        for (var at = page; at >= 0; at--)
        {
            var pages = PagesIn(TAtomics.LoadAcquire(chunk->Runs + at, Site.RunLookup)); // order: acquire: the descriptor of an earlier run is gone, the present one is there [J2]
            if (pages == 0)
                continue;
            if (page - at >= pages)
                return 0;
            first = at;
            return pages;
        }

        return 0;
    }

    /// <summary>0 where the pages look free; else the next page from which it is worth trying, as the lowest word with a taken one has it.</summary>
    private static int Look(RunChunk* chunk, int start, int pages)
    {
        var end = start + pages;
        for (var word = start >> TGeometry.WordShift; word <= (end - 1) >> TGeometry.WordShift; word++)
        {
            var seen = TAtomics.LoadAcquire(chunk->Taken + word, Site.RunLook); // order: acquire; a stale 0 is found out by the claim, a stale 1 of a give beside us costs the place [J1]
            if ((seen & MaskOf(word, start, end)) != 0)
                return Behind(word, seen, start, pages);
        }

        return 0;
    }

    /// <summary>Claims the pages, or gives back what it took and answers as <see cref="Look"/>.</summary>
    private static int Claim(RunChunk* chunk, int start, int pages)
    {
        var end = start + pages;
        for (var word = start >> TGeometry.WordShift; word <= (end - 1) >> TGeometry.WordShift; word++)
        {
            var mask = MaskOf(word, start, end);

            // order: acquire: the last owner's accesses, and its descriptor's end, come before ours. Nothing is released: what we did not take stays as it was [J1]
            var before = TAtomics.FetchOrAcqRel(chunk->Taken + word, mask, Site.RunClaim);
            var lost = before & mask;
            if (lost == 0)
                continue;
            if (lost != mask)
                TAtomics.FetchAndAcqRel(chunk->Taken + word, ~(mask & ~before), Site.RunUnclaim); // order: nothing was done to the pages; the last give's release goes on through it [J1]
            Unclaim(chunk, start, word << TGeometry.WordShift);
            return Behind(word, before, start, pages);
        }

        return 0;
    }

    /// <summary>Gives back pages that no run has had since they were claimed.</summary>
    private static void Unclaim(RunChunk* chunk, int start, int end)
    {
        for (var word = start >> TGeometry.WordShift; word << TGeometry.WordShift < end; word++)
            TAtomics.FetchAndAcqRel(chunk->Taken + word, ~MaskOf(word, start, end), Site.RunUnclaim); // order: as in Claim [J1]
    }

    /// <summary>Gives back pages of a run.</summary>
    private static void Clear(RunChunk* chunk, int start, int end)
    {
        for (var word = start >> TGeometry.WordShift; word << TGeometry.WordShift < end; word++)
            TAtomics.FetchAndAcqRel(chunk->Taken + word, ~MaskOf(word, start, end), Site.RunClear); // order: release: our accesses come before the next owner's [J1]
    }

    /// <summary>The bits of pages [start, end) in one word; at least one of them lies there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MaskOf(int word, int start, int end)
    {
        var low = Math.Max(start - (word << TGeometry.WordShift), 0);
        var high = Math.Min(end - (word << TGeometry.WordShift), 1 << TGeometry.WordShift);
        return (ulong.MaxValue >> (64 - high)) & (ulong.MaxValue << low);
    }

    /// <summary>The lowest page of a word, or else the first of the next one, from which <paramref name="pages"/> pages are free as far as the word says. Pages below <paramref name="start"/> do not count.</summary>
    private static int Behind(int word, ulong seen, int start, int pages)
    {
        // A bit that stays set has free pages behind it: one, two, four …. What lies beyond the word counts as free.
        var free = ~seen;
        for (var have = 1; have < Math.Min(pages, 64);)
        {
            var step = Math.Min(have, pages - have);
            free &= (free >> step) | ~(ulong.MaxValue >> step);
            have += step;
        }

        free &= ulong.MaxValue << Math.Max(start - (word << TGeometry.WordShift), 0);
        return (word << TGeometry.WordShift) + Math.Min(BitOperations.TrailingZeroCount(free), 1 << TGeometry.WordShift);
    }

    /// <summary>The lowest page from <paramref name="page"/> on whose number is a multiple.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AlignUp(RunChunk* chunk, ulong page, ulong alignment)
    {
        var beyond = alignment == 1 ? 0 : (chunk->BasePage + page) % alignment;
        return beyond == 0 ? page : page + alignment - beyond;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PagesIn(ulong run) => (int)(run & RunChunk.PagesMask);
}

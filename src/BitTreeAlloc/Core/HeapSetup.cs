using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the beginning and the end of a heap: header, arenas of records and magazines, first stretch; and everything back to the system.
/// Callers: the Api's constructor and Dispose, alone with the heap. Checked by: tests with a failure at the k-th call; zero bytes after Dispose on the simulated system.
/// </summary>
internal static unsafe class HeapSetup<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private const ulong MagazineArenaBytes = 8ul << 30;
    private const ulong MinArenaBytes = 1ul << 20;

    /// <summary>How often in a row the end of a heap tries to give back what the system refuses to take.</summary>
    private const int VainTries = 8;

    public static Outcome Create(in HeapPlan plan, out Heap* heap)
    {
        heap = null;
        var pageSize = (ulong)plan.Os.PageSize();
        var classesAt = HeapOs<TAtomics>.AlignUp((ulong)sizeof(Heap), 64);
        var statesAt = HeapOs<TAtomics>.AlignUp(classesAt + ((ulong)sizeof(ClassInfo) * SizeClasses.Count), 64);
        var stretchesAt = HeapOs<TAtomics>.AlignUp(statesAt + ((ulong)sizeof(ClassState) * SizeClasses.Count), 64);
        var spacesAt = stretchesAt + (Heap.MaxStretches * sizeof(ulong));
        var regionsAt = spacesAt + (Heap.MaxRegionSpaces * sizeof(ulong));
        var rootAt = HeapOs<TAtomics>.AlignUp(regionsAt + ((RegionArea.ExactClass + 1) * sizeof(ulong)), pageSize);
        var headerBytes = HeapOs<TAtomics>.AlignUp(rootAt + (DirectTable.RootEntries * sizeof(ulong)), pageSize);

        void* header;
        var status = plan.Os.Reserve((nuint)headerBytes, (nuint)pageSize, &header);
        if (status != VmStatus.Ok)
            return Outcomes.From(status);
        _ = plan.Os.Advise(header, (nuint)headerBytes, VmAdvice.NoHugePages);
        status = plan.Os.Commit(header, (nuint)headerBytes);
        if (status != VmStatus.Ok)
        {
            ReleaseHeader(plan.Os, header, headerBytes);
            return Outcomes.From(status);
        }

        var start = (byte*)header;
        heap = (Heap*)start;
        heap->Os = plan.Os;
        heap->Engine = Engine.Of<TAtomics, TGeometry>();
        heap->PageSize = pageSize;
        heap->HeaderBytes = headerBytes;
        heap->Classes = (ClassInfo*)(start + classesAt);
        heap->States = (ClassState*)(start + statesAt);
        heap->Stretches = (ulong*)(start + stretchesAt);
        heap->RegionSpaces = (ulong*)(start + spacesAt);
        heap->RegionClasses = (ulong*)(start + regionsAt);
        heap->Direct.Root = (ulong*)(start + rootAt);
        heap->StretchBytes = plan.StretchBytes;
        heap->MinimumAlignment = plan.MinimumAlignment;
        heap->UseCas16 = plan.UseCas16;
        heap->Checked = plan.Checked;
        heap->Policy = plan.Policy;
        heap->Pool = plan.Pool;
        heap->OnSealBroken = plan.OnSealBroken;
        heap->CacheBudgetBytes = plan.CacheBudgetBytes;
        heap->ClaimIdle = plan.ClaimIdle;
        heap->ExactRegions = plan.ExactRegions;
        heap->RecyclerBytesPerClass = plan.RecyclerBytesPerClass;
        heap->OsCallsLine.Value = 3;
        heap->ChargedLine.Value = headerBytes;
        ClassPlan.Fill(heap->Classes, plan.MinimumAlignment, TGeometry.MagazineWords, plan.RecyclerBytesPerClass, plan.MagazineBytes == 0 ? ClassPlan.MagazineBytes : plan.MagazineBytes);

        var outcome = Stretches<TAtomics, TGeometry>.Add(heap, 0, 0, isFirst: true);
        var scarce = outcome == Outcome.Ok && Placement<TAtomics>.StretchAt(heap, 0)->Large.BlockCount << 16 < plan.StretchBytes;
        if (outcome == Outcome.Ok)
            outcome = MakeArena(heap, MagazineArenaBytes, (ulong)TGeometry.MagazineWords * sizeof(ulong), scarce, &heap->Magazines);
        if (outcome == Outcome.Ok)
        {
            // The limits come last: a heap below whose floor they lie is made all the same, and refuses every birth.
            Limits<TAtomics>.Set(heap, plan.SoftLimitBytes, plan.HardLimitBytes);
            return Outcome.Ok;
        }

        Destroy(heap);
        heap = null;
        return outcome;
    }

    /// <summary>Everything goes back that the system takes. Caches that are still out find a closed door.</summary>
    public static void Destroy(Heap* heap)
    {
        TAtomics.StoreRelease(&heap->SealLine.Value, 0, Site.HeapFigures); // order: a setting; the heap is quiet [H1]
        CacheRegistry<TAtomics, TGeometry>.CloseAll(heap);

        // What is refused at the limit of mappings may be granted once others are gone, and what another thread took there may be free again. A system that refuses for good keeps the rest.
        for (int left = int.MaxValue, vain = 0; left != 0 && vain < VainTries;)
        {
            var before = left;
            left = ReleaseAll(heap);
            vain = left < before ? 0 : vain + 1;
        }

        var (os, headerBytes) = (heap->Os, heap->HeaderBytes);
        ReleaseHeader(os, heap, headerBytes);
    }

    /// <summary>Releases what it can; how many ranges were refused.</summary>
    private static int ReleaseAll(Heap* heap)
    {
        var left = DirectMappings<TAtomics>.ReleaseAll(heap) + RegionAreas<TAtomics, TGeometry>.ReleaseAll(heap) + Stretches<TAtomics, TGeometry>.ReleaseAll(heap) + LostRanges<TAtomics>.Repeat(heap);
        if (heap->Magazines.Base == null)
            return left;
        if (HeapOs<TAtomics>.Release(heap, heap->Magazines.Base, heap->Magazines.Reserved) != VmStatus.Ok)
            return left + 1;
        heap->Magazines.Base = null;
        return left;
    }

    private static void ReleaseHeader(in VmTable os, void* header, ulong bytes)
    {
        for (var tries = 0; tries < VainTries && os.Release(header, (nuint)bytes) != VmStatus.Ok; tries++)
        {
        }
    }

    private static Outcome MakeArena(Heap* heap, ulong bytes, ulong alignment, bool scarce, Watermark* arena)
    {
        // Where addresses were too few for the first stretch, the arenas take little: 16 MiB hold 16 000 magazines.
        bytes = scarce ? 16 * MinArenaBytes : bytes;
        for (; ; bytes = Math.Min(bytes / 2, 16 * MinArenaBytes))
        {
            void* address;
            var status = HeapOs<TAtomics>.Reserve(heap, bytes, Math.Max(alignment, heap->PageSize), &address);
            if (status == VmStatus.Ok)
            {
                _ = HeapOs<TAtomics>.Advise(heap, address, bytes, VmAdvice.NoHugePages);
                *arena = new Watermark { Base = (byte*)address, Reserved = bytes, Step = HeapOs<TAtomics>.AlignUp(64 << 10, heap->PageSize) };
                return Outcome.Ok;
            }

            if (bytes / 2 < MinArenaBytes)
                return Outcomes.From(status);
        }
    }
}

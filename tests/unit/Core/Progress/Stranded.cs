using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>
/// What nobody can get again while the stopped threads sleep, read from the words of a heap at rest: the survivors have freed all of theirs, parked, and trimmed.
/// </summary>
/// <param name="Blocks">Blocks whose holder is stopped, and blocks that have something to give and that no tree offers.</param>
/// <param name="BlockBytes">Their bytes.</param>
/// <param name="HandBytes">Of slots outside of blocks that are neither a user's nor in a cache: in a stopped thread's hands.</param>
/// <param name="HandSlots">Their number.</param>
/// <param name="CacheBytes">Of slots in the stopped threads' own caches, and in those they had claimed.</param>
/// <param name="Caches">Caches beyond each user's explicit one: the stopped users' ambient and second ones, and those they had claimed.</param>
/// <param name="Claimed">Those of them that are claimed.</param>
/// <param name="GrantBytes">Of the budget of all caches that no cache, magazine or recycler has.</param>
/// <param name="ChargeBytes">Charged against the limits, and for nothing.</param>
/// <param name="Magazines">Magazines that are in no cache and on no stack.</param>
/// <param name="Records">Cache records that no cache owns and that are not on the stack of free ones.</param>
/// <param name="AddressBytes">Addresses that are reserved and of which the heap knows nothing.</param>
/// <param name="RegionBytes">Of regions that somebody holds, that are in no cache's slot though their word says so, or that are free and not on offer.</param>
internal sealed record Stranded(int Blocks, long BlockBytes, long HandBytes, long HandSlots, long CacheBytes, int Caches, int Claimed, long GrantBytes, long ChargeBytes, int Magazines, int Records, long AddressBytes, long RegionBytes = 0)
{
    public static Stranded None { get; } = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    public Stranded Max(Stranded other) => new(
        Math.Max(Blocks, other.Blocks), Math.Max(BlockBytes, other.BlockBytes), Math.Max(HandBytes, other.HandBytes), Math.Max(HandSlots, other.HandSlots), Math.Max(CacheBytes, other.CacheBytes),
        Math.Max(Caches, other.Caches), Math.Max(Claimed, other.Claimed), Math.Max(GrantBytes, other.GrantBytes), Math.Max(ChargeBytes, other.ChargeBytes), Math.Max(Magazines, other.Magazines), Math.Max(Records, other.Records), Math.Max(AddressBytes, other.AddressBytes), Math.Max(RegionBytes, other.RegionBytes));

    /// <summary>Reads the heap. <paramref name="survivor"/> is the one cache that answers; <paramref name="stopped"/> are the users of the stopped threads.</summary>
    public static unsafe Stranded Of(Mutator survivor, IReadOnlyList<Mutator> stopped, ulong reservedBytes)
    {
        var heap = survivor.Heap;
        long blockBytes = 0, outBytes = 0, outSlots = 0;
        var blocks = 0;
        for (var number = 0; Placement<HardwareAtomics>.StretchAt(heap, number) is var stretch && stretch != null; number++)
        {
            for (var which = 0; which < Stretch.Spaces; which++)
            {
                var space = Placement<HardwareAtomics>.SpaceIn(stretch, which);
                for (var block = 0ul; block < space->Frontier; block++)
                {
                    var word = new BlockWord(space->Words[block]);
                    if (word.Phase == BlockPhase.InUse)
                    {
                        outSlots += word.Cursor - word.Free;
                        outBytes += (long)(word.Cursor - word.Free) * heap->Classes[word.Class].SlotSize;
                    }

                    if (!word.IsClaimed && !IsHidden(heap, space, block, word))
                        continue;
                    blocks++;
                    blockBytes += 1L << space->BlockShift;
                }
            }
        }

        var magazines = new HashSet<nint>();
        var (cachedBytes, cachedSlots, grants, owned, records, claimed) = (0L, 0L, 0L, 0, 0, 0);
        for (var record = CacheRegistry<HardwareAtomics, ShippedGeometry>.First(heap); record != null; record = CacheRegistry<HardwareAtomics, ShippedGeometry>.Next(record))
        {
            records++;
            if (!CacheRegistry<HardwareAtomics, ShippedGeometry>.IsOwnedBy(record, heap) && record->State != CacheRecord.Leaving)
                continue;
            owned++;
            grants += (long)record->Grant;
            claimed += (record->Claim & 3) != 0 ? 1 : 0;
            magazines.Add((nint)record->SpareEmpty);
            for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                var loaded = *CacheRecord.Top(record, sizeClass);
                var slots = loaded == CacheRecord.EmptyTop(record) ? 0 : Count(magazines, loaded);
                slots += Count(magazines, (ulong*)*CacheRecord.Spare(record, sizeClass));
                cachedSlots += slots;
                var granted = (loaded == CacheRecord.EmptyTop(record) ? 0 : GrantedSlots(loaded)) + GrantedSlots((ulong*)*CacheRecord.Spare(record, sizeClass));
                grants += (long)granted * heap->Classes[sizeClass].SlotSize;
                cachedBytes += (long)slots * heap->Classes[sizeClass].SlotSize;
            }
        }

        magazines.Remove(0);
        var arena = new NodeArena((ulong)heap->Magazines.Base, 10, heap->UseCas16);
        var stacked = (int)NodeStack<HardwareAtomics>.Depth(arena, &heap->EmptyMagazines.Head);
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            var depth = (int)NodeStack<HardwareAtomics>.Depth(arena, &heap->States[sizeClass].Recycler);
            stacked += depth;
            grants += (long)depth * heap->Classes[sizeClass].MagazineSlots * heap->Classes[sizeClass].SlotSize;
        }

        var pool = new NodeArena((ulong)heap->Pool->Arena.Base, 12, heap->Pool->Wide);
        var pieces = stopped.Concat(stopped.Select(user => user.Ambient!)).ToList();
        var (charged, walked) = ChargeWalk.Read(heap);
        var liveBytes = pieces.Sum(user => user.Live.Where(piece => piece.Size <= SizeClasses.MaxSize).Sum(piece => (long)user.Allocator.UsableSize((void*)piece.Address)));
        var liveSlots = pieces.Sum(user => user.Live.Count(piece => piece.Size <= SizeClasses.MaxSize));
        return new Stranded(
            blocks,
            blockBytes,
            outBytes - liveBytes - cachedBytes,
            outSlots - liveSlots - cachedSlots,
            cachedBytes,
            owned - 1 - stopped.Count,
            claimed,
            (long)heap->CacheGrantedLine.Value - grants,
            (long)(charged - walked),
            (int)(heap->MagazinesNextLine.Value >> 10) - magazines.Count - stacked,
            records - owned - (int)NodeStack<HardwareAtomics>.Depth(pool, &heap->FreeRecords.Head),
            (long)(reservedBytes - (ulong)survivor.Allocator.GetStatistics().ReservedBytes),
            HiddenRegions(heap));
    }

    private static unsafe long HiddenRegions(Heap* heap)
    {
        var kept = new HashSet<ulong>();
        for (var record = CacheRegistry<HardwareAtomics, ShippedGeometry>.First(heap); record != null; record = CacheRegistry<HardwareAtomics, ShippedGeometry>.Next(record))
        {
            for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
                kept.Add(*CacheRecord.Region(record, regionClass));
        }

        var bytes = 0ul;
        for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
        {
            for (var area = RegionAreas<HardwareAtomics, ShippedGeometry>.First(heap, regionClass); area != null; area = RegionAreas<HardwareAtomics, ShippedGeometry>.Next(area))
            {
                for (var index = 0ul; index < area->Frontier; index++)
                {
                    var region = new RegionRef { Area = area, Index = index };
                    var word = new RegionWord(*region.Word);
                    var isThere = word.Phase switch
                    {
                        RegionPhase.InUse => *region.Idle == 0 || kept.Contains(region.Start),
                        _ => BitTree<HardwareAtomics, ShippedGeometry>.IsSet(&area->Trees, word.Phase == RegionPhase.Clean ? RegionArea.CleanColumn : RegionArea.DirtyColumn, index),
                    };
                    bytes += word.IsClaimed || !isThere ? Math.Max(word.Touched, 1) << RegionWord.UnitShift : 0;
                }
            }
        }

        return (long)bytes;
    }

    private static unsafe bool IsHidden(Heap* heap, Space* space, ulong block, BlockWord word) => word.Phase switch
    {
        BlockPhase.InUse => word.IsAvailable(heap->Classes[word.Class].Capacity) && !IsSet(space, heap->Classes[word.Class].Column, block),
        BlockPhase.Empty => !IsSet(space, space->EmptyColumn, block),
        _ => !IsSet(space, space->CleanColumn, block),
    };

    private static unsafe bool IsSet(Space* space, int column, ulong block) => BitTree<HardwareAtomics, ShippedGeometry>.IsSet(&space->Trees, column, block);

    // A cache that was stopped between giving its empty magazine to the stack of them and loading a full one shows one with a link where the count was.
    private static unsafe int GrantedSlots(ulong* top)
    {
        var word = top == null ? 0 : *Magazine.Of<ShippedGeometry>(top);
        return word <= (ulong)ShippedGeometry.MagazineWords ? (int)word : 0;
    }

    private static unsafe int Count(HashSet<nint> magazines, ulong* top) =>
        top == null || !magazines.Add((nint)Magazine.Of<ShippedGeometry>(top)) ? 0 : Magazine.CountTo<ShippedGeometry>(top);
}

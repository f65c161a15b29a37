using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>What a checked heap knows about an address: the block, slot or mapping it lies in, and whether that is in a user's hands. A reading; the words go on moving.</summary>
internal unsafe struct PointerFacts
{
    public ulong Address;

    /// <summary>Whether it lies in a block that was born.</summary>
    public bool InBlock;

    public ulong BlockStart;
    public ulong BlockBytes;
    public BlockWord Word;

    /// <summary>Of the block's class while the block is in use: bytes of a slot, slots that fit, the slot it lies in.</summary>
    public int SlotSize;
    public int Capacity;
    public int Slot;
    public ulong SlotStart;

    /// <summary>Whether the slot it lies in is in a user's hands.</summary>
    public bool SlotIsLive;

    /// <summary>The live region or mapping it lies in; 0 bytes where there is none.</summary>
    public ulong MappingStart;
    public ulong MappingBytes;

    /// <summary>Whether it lies in a region, live or free, that was handed out before; where that starts.</summary>
    public bool IsRegion;
    public ulong RegionStart;

    public static PointerFacts Of(in Engine engine, Heap* heap, ulong address)
    {
        PointerFacts facts = default;
        facts.Address = address;
        facts.InBlock = engine.Locate(heap, address, out var block);
        if (!facts.InBlock)
        {
            facts.MappingBytes = engine.FindLarge(heap, address, out facts.MappingStart);
            facts.IsRegion = engine.LocateRegion(heap, address, out var region);

            // Of a chunk's free page it is the start of a region only if one that began there was freed.
            var isStart = facts.IsRegion && (!region.Area->IsExact || facts.MappingBytes != 0 || HardwareAtomics.LoadAcquire(region.Idle, Site.RegionIdle) != 0); // order: a note [H1]
            facts.RegionStart = isStart ? region.Start : 0;
            return facts;
        }

        facts.BlockStart = (ulong)block.Space->Data.Base + (block.Index << block.Space->BlockShift);
        facts.BlockBytes = 1ul << block.Space->BlockShift;
        facts.Word = new BlockWord(HardwareAtomics.LoadAcquire(block.Space->Words + block.Index, Site.BlockLoad)); // order: acquire: at least as new as when the slot left [B1]
        if (facts.Word.Phase != BlockPhase.InUse)
            return facts;
        var info = heap->Classes[facts.Word.Class];
        facts.SlotSize = info.SlotSize;
        facts.Capacity = info.Capacity;
        facts.Slot = (int)((address - facts.BlockStart) / (ulong)info.SlotSize);
        facts.SlotStart = facts.BlockStart + ((ulong)facts.Slot * (ulong)info.SlotSize);
        facts.SlotIsLive = LiveMarks.IsLive(block, facts.SlotStart);
        return facts;
    }

    /// <summary>Whether something that is live starts here.</summary>
    public readonly bool IsLive => MappingBytes != 0 ? Address == MappingStart : SlotIsLive && Address == SlotStart;

    /// <summary>What a call that takes the pointer back, with that size or without one, does wrong.</summary>
    public readonly AllocError Judge(nuint? size = null)
    {
        if (IsLive)
            return size is { } named && !IsLegal(named) ? AllocError.WrongSize : AllocError.None;
        if (IsRegion)
            return Address == RegionStart ? AllocError.DoubleFree : AllocError.InvalidPointer;
        return InBlock && Word.Phase == BlockPhase.InUse && Address == SlotStart && Slot < Word.Cursor ? AllocError.DoubleFree : AllocError.InvalidPointer;
    }

    /// <summary>Smallest and largest size in bytes that a sized free of what starts here may name; none for a mapping that only an alignment made.</summary>
    public readonly (nuint First, nuint Last) LegalSizes
    {
        get
        {
            if (MappingBytes != 0)
                return (Math.Max(SizeClasses.MaxSize, (nuint)(IsRegion ? MappingBytes - (1ul << RegionWord.UnitShift) : MappingBytes / 2)) + 1, (nuint)MappingBytes);
            var sizeClass = Word.Class;
            if (sizeClass > SizeClasses.LastSmall)
            {
                var least = Math.Max(sizeClass - ClassPlan.MediumStepsUp, SizeClasses.LastSmall + 1);
                return ((nuint)SizeClasses.SlotSize(least - 1, 8) + 1, (nuint)SizeClasses.SlotSize(sizeClass, 8));
            }

            return (sizeClass == 1 ? 0 : (nuint)SizeClasses.SlotSize(sizeClass - 1, 8) + 1, (nuint)SizeClasses.SlotSize(sizeClass, 8));
        }
    }

    private readonly bool IsLegal(nuint size)
    {
        var (first, last) = LegalSizes;
        return size >= first && size <= last;
    }
}

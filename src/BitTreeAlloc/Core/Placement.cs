using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>A block by its space and number.</summary>
internal unsafe struct BlockRef
{
    public Space* Space;
    public ulong Index;
}

/// <summary>
/// Owns: nothing. Address arithmetic: from a pointer to stretch, space, block and slot, by shifts and compares. Reads metadata only.
/// </summary>
internal static unsafe class Placement<TAtomics>
    where TAtomics : struct, IAtomics
{
    /// <summary>Stretch number i, or null past the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Stretch* StretchAt(Heap* heap, int number) =>
        number >= Heap.MaxStretches ? null : (Stretch*)TAtomics.LoadAcquire(heap->Stretches + number, Site.StretchLoad); // order: acquire: what the stretch's maker wrote [S1]

    /// <summary>The block an address lies in; false outside of all blocks ever born.</summary>
    public static bool TryLocate(Heap* heap, ulong address, out BlockRef block)
    {
        block = default;
        for (var number = 0; ; number++)
        {
            var stretch = StretchAt(heap, number);
            if (stretch == null)
                return false;
            var offset = address - (ulong)stretch->Base;
            if (offset >= stretch->Length)
                continue;
            var space = SpaceAt(stretch, address);
            block.Space = space;
            block.Index = (address - (ulong)space->Data.Base) >> space->BlockShift;
            return block.Index < TAtomics.LoadAcquire(&space->Frontier, Site.FrontierLoad); // order: acquire: metadata below the frontier is committed [S2]
        }
    }

    /// <summary>The space of an address inside a stretch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Space* SpaceAt(Stretch* stretch, ulong address) => address >= (ulong)stretch->Small.Data.Base ? &stretch->Small : &stretch->Large;

    /// <summary>The space of that kind, or null where the stretch is of the other family.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Space* SpaceOf(Stretch* stretch, int kind) => stretch->Family != kind >> 1 ? null : SpaceIn(stretch, kind & 1);

    /// <summary>The first space of a stretch, whose blocks are the smaller ones, or the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Space* SpaceIn(Stretch* stretch, int number) => number == 0 ? &stretch->Small : &stretch->Large;

    /// <summary>The slot number of an address in a block, or −1 when it is not the start of a slot below the cursor.</summary>
    public static int SlotOf(Space* space, ulong block, in ClassInfo info, ulong address, int cursor)
    {
        var offset = address - ((ulong)space->Data.Base + (block << space->BlockShift));
        var slot = info.SlotAt(offset);
        return slot < cursor && (ulong)slot * (ulong)info.SlotSize == offset ? slot : -1;
    }
}

using System.Runtime.CompilerServices;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>What the charge has to be at rest, by a walk over the words of blocks and regions, the marks and the table of direct mappings.</summary>
internal static unsafe class ChargeWalk
{
    /// <summary>The charge as counted, and as walked.</summary>
    public static (ulong Charged, ulong Walked) Read(Heap* heap)
    {
        var classes = stackalloc ClassFigures[SizeClasses.Count];
        Unsafe.InitBlock(classes, 0, (uint)(sizeof(ClassFigures) * SizeClasses.Count));
        heap->Engine.Figures(heap, classes, out var totals);
        return (totals.ChargedBytes, totals.MetadataBytes + totals.BlockBytes + totals.RegionTouchedBytes + totals.DirectBytes);
    }

    /// <summary>Fails where they differ.</summary>
    public static void Check(Heap* heap)
    {
        var (charged, walked) = Read(heap);
        Assert.Equal(walked, charged);
    }

    /// <summary>The charge with nothing live and nothing resident in blocks: metadata alone.</summary>
    public static ulong Floor(BitTreeAllocator allocator) => allocator.GetStatistics().MetadataBytes;
}

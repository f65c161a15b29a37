using System.Runtime.CompilerServices;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>At rest the charge is what a walk over the words of blocks and regions, the marks and the table of direct mappings says: no charge was lost and none was kept.</summary>
internal static unsafe class ChargeWalk
{
    public static void Check(BitTreeAllocator allocator)
    {
        using var cache = allocator.CreateCache();
        var heap = cache.Record->Heap;
        var classes = stackalloc ClassFigures[SizeClasses.Count];
        Unsafe.InitBlock(classes, 0, (uint)(sizeof(ClassFigures) * SizeClasses.Count));
        heap->Engine.Figures(heap, classes, out var totals);
        var walked = totals.MetadataBytes + totals.BlockBytes + totals.RegionTouchedBytes + totals.DirectBytes;
        if (totals.ChargedBytes != walked)
            throw new OracleViolation($"{totals.ChargedBytes} bytes are charged at rest, the words say {walked}");
    }
}

using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Core.HugeMemory;

/// <summary>What the kernel shows of an allocator's pages, in a process of its own. Each returns names and numbers in turn.</summary>
public static unsafe class HugeProcessScenarios
{
    private const int MiB = 1 << 20;

    public static string DenseSmallObjects() => SmallObjects(HugePages.Dense, 64 * MiB);

    public static string DenseFewObjects() => SmallObjects(HugePages.Dense, 4 * MiB);

    public static string NeverSmallObjects() => SmallObjects(HugePages.Never, 64 * MiB);

    /// <summary>Small, medium, regions, all touched; half freed; trimmed. Resident bytes of the allocator's mappings against what lives, under each policy.</summary>
    public static string Residency()
    {
        var line = $"{HugePageSupport.ReadMode()}";
        foreach (var huge in new[] { HugePages.Never, HugePages.Regions, HugePages.Dense, HugePages.Pool })
        {
            using var allocator = new BitTreeAllocator(new() { Policy = MemoryPolicy.Of(Profile.Balanced) with { HugePages = huge }, UseContainerLimit = false });
            var cache = allocator.CreateCache();
            var heap = cache.Record->Heap;
            var live = new List<(nint Address, int Size)>();
            for (var i = 0; i < 64_000; i++)
                live.Add(Touched(allocator, ref cache, 500));
            for (var i = 0; i < 40; i++)
                live.Add(Touched(allocator, ref cache, 300_000));
            foreach (var size in new[] { 3, 5, 9, 33 })
                live.Add(Touched(allocator, ref cache, (size * MiB) - 5000));
            var full = Read(heap);
            var fullBytes = live.Sum(one => (long)one.Size);
            for (var i = 0; i < live.Count; i += 2)
                allocator.Free(ref cache, (void*)live[i].Address, (nuint)live[i].Size);
            foreach (var i in Enumerable.Range(0, live.Count / 2))
                allocator.Free(ref cache, (void*)live[(2 * i) + 1].Address, (nuint)live[(2 * i) + 1].Size);
            allocator.Trim(ref cache);
            var empty = Read(heap);
            var figures = allocator.GetStatistics();
            line += string.Create(CultureInfo.InvariantCulture, $" {huge} {fullBytes} {full.ResidentBytes + full.PoolBytes} {full.TransparentBytes} {full.PoolBytes} {empty.ResidentBytes + empty.PoolBytes} {figures.LiveBytes} {figures.MetadataBytes}");
            cache.Dispose();
        }

        return line;
    }

    private static string SmallObjects(HugePages huge, int bytes)
    {
        using var allocator = new BitTreeAllocator(new() { Policy = MemoryPolicy.Of(Profile.Balanced) with { HugePages = huge }, UseContainerLimit = false });
        var cache = allocator.CreateCache();
        for (var i = 0; i < bytes / 200; i++)
            Touched(allocator, ref cache, 200);
        var found = Read(cache.Record->Heap);
        cache.Dispose();
        return string.Create(CultureInfo.InvariantCulture, $"{HugePageSupport.ReadMode()} {found.ResidentBytes} {found.TransparentBytes}");
    }

    private static (nint Address, int Size) Touched(BitTreeAllocator allocator, ref ThreadCache cache, int size)
    {
        var address = allocator.Alloc(ref cache, (nuint)size);
        new Span<byte>(address, size).Fill(0x77);
        return ((nint)address, size);
    }

    /// <summary>Blocks and regions; not the metadata.</summary>
    private static HugeResidency Read(Heap* heap)
    {
        var ranges = new List<VmRange>();
        for (var number = 0; Placement<HardwareAtomics>.StretchAt(heap, number) is var stretch && stretch != null; number++)
            ranges.Add(new VmRange((nuint)stretch->Base, (nuint)stretch->DataBytes));
        for (var number = 0; RegionAreas<HardwareAtomics, ShippedGeometry>.SpaceAt(heap, number) is var space && space != null; number++)
            ranges.Add(new VmRange((nuint)space->Base, (nuint)space->Length));
        return HugePageSupport.ReadResident(ranges);
    }
}

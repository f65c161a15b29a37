using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>Runs with marks in them, told to the system as touched whole, and what they have to cost.</summary>
internal sealed unsafe class ExactWorld(SimulatedVirtualMemory os, Level level) : IDisposable
{
    private const ulong MiB = 1 << 20;
    private const ulong Unit = 2 * MiB;
    private ulong _next = 0x1234_5678_9ABC;

    public LiveSet Live { get; } = new(new() { VirtualMemory = os.Table, ExactRegions = true, Level = level, ReserveBytes = 64 << 20 });

    public List<(nuint Address, ulong Bytes, ulong Seed)> Held { get; } = [];

    public static ulong RandomSize(Random random) => Unit + 1 + (ulong)random.NextInt64((long)(random.Next(12) == 0 ? (1ul << 30) - Unit : random.Next(3) == 0 ? 150 * MiB : 12 * MiB));

    public static ulong RoundUp(ulong bytes) => (bytes + Unit - 1) / Unit * Unit;

    public static List<RegionArea> Chunks(Heap* heap)
    {
        var chunks = new List<RegionArea>();
        for (var area = ExactRegions<HardwareAtomics, ShippedGeometry>.First(heap); area != null; area = RegionAreas<HardwareAtomics, ShippedGeometry>.Next(area))
            chunks.Add(*area);
        return chunks;
    }

    /// <summary>Pages of a chunk that are taken.</summary>
    public static ulong Taken(RegionArea chunk) => (ulong)Enumerable.Range(0, (chunk.Runs.Pages + 63) / 64).Sum(word => System.Numerics.BitOperations.PopCount(chunk.Runs.Taken[word]));

    public void Alloc(Random random) => Take(RandomSize(random), random.Next(3) == 0 ? 1ul << random.Next(31) : 1);

    public void Take(ulong bytes, ulong alignment, bool isFresh = true)
    {
        var p = (nuint)Live.Allocator.AllocAligned(ref Live.Cache, (nuint)bytes, (nuint)alignment);
        Assert.Equal(0ul, p % alignment);
        if (isFresh)
            RegionProbe.CheckZero(p, bytes);
        Adopt(p, bytes);
        Held.Add((p, bytes, _next));
    }

    public void Realloc(int at, ulong bytes)
    {
        var (address, old, seed) = Held[at];
        var p = (nuint)Live.Allocator.Realloc(ref Live.Cache, (void*)address, (nuint)bytes);
        RegionProbe.Check(p, old, seed, Math.Min(old, bytes));
        Adopt(p, bytes);
        Held[at] = (p, bytes, _next);
    }

    public void Free(int at)
    {
        var (address, bytes, seed) = Held[at];
        RegionProbe.Check(address, bytes, seed);
        Held.RemoveAt(at);
        if (bytes % 2 == 0)
            Live.Allocator.Free(ref Live.Cache, (void*)address);
        else
            Live.Allocator.Free(ref Live.Cache, (void*)address, (nuint)bytes);
    }

    public bool Try(Action<ExactWorld> act)
    {
        try
        {
            act(this);
            return true;
        }
        catch (AllocatorOutOfMemoryException)
        {
            return false;
        }
    }

    public void Check(bool isExact = true)
    {
        var end = 0ul;
        foreach (var (address, bytes, seed) in Held.OrderBy(one => one.Address))
        {
            Assert.True(address >= end, "two runs overlap");
            end = address + RoundUp(bytes);
            RegionProbe.Check(address, bytes, seed);
            Assert.Equal(RoundUp(bytes), (ulong)Live.Allocator.UsableSize((void*)address));
            Assert.True(Live.Allocator.Owns((void*)(end - 1)));
        }

        ChargeWalk.Check(Live.Heap);
        var sum = Held.Aggregate(0ul, (all, one) => all + RoundUp(one.Bytes));
        var figures = Live.Figures;
        Assert.Equal((sum, Held.Count), ((ulong)figures.RegionBytes, figures.RegionCount));
        if (!isExact)
            return;
        Assert.Equal((sum, sum), ((ulong)figures.ChargedBytes - figures.MetadataBytes, (ulong)(figures.CommittedBytes - figures.MetadataBytes)));
        Assert.Equal(sum, os.ResidentBytes);
    }

    public void Dispose() => Live.Dispose();

    private void Adopt(nuint p, ulong bytes)
    {
        os.Touch((void*)p, (nuint)RoundUp(bytes));
        RegionProbe.Mark(p, bytes, ++_next);
    }
}

using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>An allocator on hooked atomics over a simulated system, users who are going to be stopped, and one who survives. They share partly used blocks and full recyclers.</summary>
internal sealed class World : IDisposable
{
    private readonly BitTreeAllocator _allocator;

    public World(CasWidth width, PurgeMode purging = PurgeMode.OnDemand, int users = 1)
    {
        Os = new SimulatedVirtualMemory();
        _allocator = new BitTreeAllocator(new() { VirtualMemory = Os.Table, CasWidth = width, ReserveBytes = 16 << 20, Purging = purging }, Engine.Of<HookedAtomics, ShippedGeometry>());
        Stopped = Enumerable.Range(0, users).Select(_ => new Mutator(_allocator)).ToArray();
        Survivor = new Mutator(_allocator) { Other = Stopped[0] };

        // Interleaved, so that blocks are shared; then two thirds go: caches, recyclers and bitmaps hold something of each.
        foreach (var (count, size) in new[] { (300, 24), (200, 200), (40, 4000) })
        {
            foreach (var user in Stopped)
                user.AllocMany(count, size);
            Survivor.AllocMany(count, size);
        }

        foreach (var user in Stopped)
            user.FreeWhere(i => i % 3 != 0);
        Survivor.FreeWhere(i => i % 3 != 1);
    }

    public SimulatedVirtualMemory Os { get; }

    public Mutator[] Stopped { get; }

    public Mutator Survivor { get; }

    /// <summary>The survivor gives all of its own back; what is left is read.</summary>
    public Stranded Rest()
    {
        foreach (var user in Stopped)
            user.CheckAll();
        Survivor.FreeAll();
        Survivor.Cache.Park();
        Survivor.Allocator.Trim(ref Survivor.Cache);
        Assert.Empty(Os.Violations);
        return Stranded.Of(Survivor, Stopped, Os.ReservedBytes);
    }

    public void Dispose()
    {
        _allocator.Dispose();
        Os.Dispose();
    }
}

using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>An allocator on hooked atomics over a simulated system, users who are going to be stopped, and one who survives. They share partly used blocks and full recyclers.</summary>
internal sealed unsafe class World : IDisposable
{
    private readonly List<(nint Record, ulong Claim)> _claims = [];
    private readonly BitTreeAllocator _allocator;

    public World(CasWidth width, PurgeMode purging = PurgeMode.OnDemand, int users = 1, ulong budget = 0)
    {
        Os = new SimulatedVirtualMemory();
        _allocator = new BitTreeAllocator(new() { VirtualMemory = Os.Table, CasWidth = width, ReserveBytes = 16 << 20, Purging = purging, CacheBudgetBytes = budget }, Engine.Of<HookedAtomics, ShippedGeometry>());
        Gate = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));
        Stopped = Enumerable.Range(0, users).Select(_ => new Mutator(_allocator, this)).ToArray();
        Survivor = new Mutator(_allocator, this) { Other = Stopped[0] };
        Sleeper = Survivor.NewAmbient();

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

        // Asleep, with slots of three classes in its cache.
        foreach (var (count, size) in new[] { (40, 24), (30, 200), (6, 4000) })
            Sleeper.AllocMany(count, size);
        Sleeper.FreeWhere(i => i % 2 == 0);
    }

    public SimulatedVirtualMemory Os { get; }

    public Mutator[] Stopped { get; }

    public Mutator Survivor { get; }

    /// <summary>A thread with an ambient cache that is in no call: others may claim it. It wakes among the survivor's operations.</summary>
    public Mutator Sleeper { get; }

    /// <summary>Ambient caches of threads that ended: record and tenure.</summary>
    public HashSet<(nint Record, ulong Tenure)> Dead { get; } = [];

    /// <summary>The word of a gate like the allocator's, on hooked atomics.</summary>
    public ulong* Gate { get; }

    /// <summary>Bytes charged against the limits now.</summary>
    public ulong Charged => Limits<HookedAtomics>.Charged(Survivor.Heap);

    public void SetLimits(ulong soft, ulong hard) => Limits<HookedAtomics>.Set(Survivor.Heap, soft, hard);

    /// <summary>A claimer claims the cache of a user that is in no call, and stays at that until <see cref="EndClaims"/>.</summary>
    public void Claim(Mutator ambient)
    {
        var record = ambient.Cache.Record;
        Assert.True(CacheClaims<HookedAtomics>.TryClaim(ambient.Heap, record, out var claim) && CacheClaims<HookedAtomics>.IsQuiet(record));
        _claims.Add(((nint)record, claim));
    }

    /// <summary>The claimers go on: the cache is its owner's again, or was handed over and ends.</summary>
    public void EndClaims()
    {
        foreach (var (record, claim) in _claims)
        {
            if (!CacheClaims<HookedAtomics>.TryUnclaim((CacheRecord*)record, claim))
                Assert.Equal(Outcome.Ok, Survivor.Heap->Engine.EndTenured((CacheRecord*)record));
        }

        _claims.Clear();
    }

    /// <summary>The survivor gives all of its own back; what is left is read.</summary>
    public Stranded Rest()
    {
        foreach (var user in Stopped)
        {
            user.CheckAll();
            user.Ambient!.CheckAll();
        }

        // Whatever a stopped thread had set is set back: settings are words that anybody writes.
        SetLimits(0, 0);
        Survivor.Allocator.MaxCachedBytesPerClass = 0;
        foreach (var ambient in new[] { Sleeper, Survivor.Ambient! })
        {
            ambient.FreeAll();
            ambient.End();
        }

        Survivor.Adopt((int)Survivor.Heap->Engine.RecordCount(Survivor.Heap) + 1);
        Survivor.FreeAll();
        Survivor.Cache.Park();
        Survivor.Allocator.Trim(ref Survivor.Cache);
        Assert.Empty(Os.Violations);
        return Stranded.Of(Survivor, Stopped, Os.ReservedBytes);
    }

    // The records go back to the process: one whose giver was stopped between the record's state and its tenure would hand the next owner, in another heap, a claim of nobody's. Outside of tests
    // Dispose waits for that giver.
    private void FinishReleases()
    {
        for (var record = CacheRegistry<HardwareAtomics, ShippedGeometry>.First(Survivor.Heap); record != null; record = CacheRegistry<HardwareAtomics, ShippedGeometry>.Next(record))
        {
            if (record->State == CacheRecord.Unowned && (record->Claim & 3) != 0)
                CacheClaims<HardwareAtomics>.NextTenure(record);
        }
    }

    public void Dispose()
    {
        FinishReleases();
        _allocator.Dispose();
        foreach (var user in Stopped.Append(Survivor))
        {
            user.Cache.Record->Busy = 0;
            user.Cache.Dispose();
        }

        NativeMemory.Free(Gate);
        Os.Dispose();
    }
}

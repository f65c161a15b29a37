using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>One kind of operation that a thread is stopped in, and what it may strand.</summary>
/// <param name="Name">Its name in test cases and in docs/design/progress.md.</param>
/// <param name="Act">What the user does, in a world that <paramref name="Prepare"/> has seen.</param>
internal sealed record Operation(string Name, Action<World, Mutator> Act, Action<World, Mutator>? Prepare = null)
{
    /// <summary>It may purge: a run of up to 2 MiB is held at once.</summary>
    public bool Sweeps { get; init; }

    /// <summary>It may claim another thread's ambient cache, one at a time.</summary>
    public bool Claims { get; init; }

    /// <summary>The user has a second cache, ambient or explicit, that it may end itself.</summary>
    public bool HasSecond { get; init; }

    /// <summary>Where it has to come by, or it is not what its name says.</summary>
    public Site Meets { get; init; }

    /// <summary>Bytes that all caches of the world may hold; 0: the default.</summary>
    public ulong Budget { get; init; }

    /// <summary>Addresses that it reserves before the heap knows them.</summary>
    public long Addresses { get; init; }

    /// <summary>The largest request: it says which blocks, magazines and regions may be in its hands.</summary>
    public int Largest { get; init; } = SizeClasses.MaxSmallSize;

    /// <summary>Bytes of the headers of what it reserves: charged before the heap knows them. Below 0: no more than <see cref="Addresses"/>.</summary>
    public long Headers { get; init; } = -1;

    /// <summary>Shared accesses there have to be, at least: 0 says that there must be none.</summary>
    public int Points { get; init; } = 5;

    /// <summary>Takes back what Act did to the world: a stop leaves it there.</summary>
    public Action<World>? After { get; init; }
}

/// <summary>The operations of FEATURES C14: every kind but Dispose.</summary>
internal static class Operations
{
    public static IReadOnlyList<Operation> All { get; } =
    [
        new("alloc, hit", (_, user) => user.AllocMany(3, 200)) { Points = 0 },
        new("alloc of 24 B", (_, user) => user.AllocMany(700, 24)),
        new("alloc of 200 B", (_, user) => user.AllocMany(500, 200)),
        new("alloc of 4 000 B", (_, user) => user.AllocMany(40, 4000)),
        new("alloc of a new class", (_, user) => user.AllocMany(9, 20_000)),
        new("alloc past the committed", (_, user) => user.AllocMany(20, 60_000)) { Sweeps = true },
        new("alloc, recycler first", (_, user) => user.AllocMany(300, 24), (world, _) => FillRecycler(world, 24)),
        new("free, sized", (_, user) => user.FreeAll(sized: true), (_, user) => user.AllocMany(400, 200)),
        new("free, unsized", (_, user) => user.FreeAll(sized: false), (_, user) => user.AllocMany(60, 4000)),
        new("free, remote", (_, user) => user.FreeAll(), (world, user) => user.TakeOver(world.Survivor, 400)),
        new("free of the last slots", (_, user) => user.FreeAll(), (_, user) => user.AllocMany(30, 20_000)),
        new("alloc zeroed", Zeroed),
        new("alloc aligned", Aligned),
        new("realloc", Realloc) { Largest = 150_000, Addresses = 21L << 20, Headers = 128 << 10 },
        new("above 64 KiB", Medium) { Largest = 1_000_000, Addresses = 21L << 20, Headers = 128 << 10 },
        new("above 2 MiB", Regions) { Largest = 5_000_000, Addresses = 257L << 20, Headers = 128 << 10, Meets = Site.RegionHandOut },
        new("above 2 MiB, at hand", Regions, (_, user) => Regions(null!, user)) { Largest = 5_000_000, Meets = Site.RegionSlotTake },
        new("trim", (_, user) => user.Allocator.Trim(ref user.Cache), EmptyBlocks) { Sweeps = true, Claims = true, Meets = Site.ClaimFence },
        new("trim to blocks", (_, user) => user.TrimAsNobody(TrimLevel.Blocks), EmptyBlocks) { Sweeps = true, Claims = true, Meets = Site.ClaimFence },
        new("trim to caches", (_, user) => user.Allocator.Trim(ref user.Cache, TrimLevel.Caches), (world, _) => FillRecycler(world, 24)) { Claims = true, Meets = Site.ClaimFence },
        new("tick", Tick, (_, user) => user.Allocator.Tick()) { Claims = true, Meets = Site.ClaimFence },
        new("ambient calls", AmbientCalls) { HasSecond = true, Meets = Site.OwnerEnter },
        new("ambient calls, claimed", AmbientCalls, (world, user) => Claimed(world, user)) { HasSecond = true, Meets = Site.ClaimHandOver, After = world => world.EndClaims() },
        new("detach", (_, user) => user.Ambient!.End(), (_, user) => user.Ambient!.AllocMany(30, 200)) { HasSecond = true, Meets = Site.ClaimTake },
        new("detach, claimed", (_, user) => user.Ambient!.End(), (world, user) => Claimed(world, user)) { HasSecond = true, Points = 2, Meets = Site.ClaimHandOver, After = world => world.EndClaims() },
        new("a dead thread's cache", (_, user) => user.AnotherThread(dies: true), OneDies) { HasSecond = true, Claims = true, Meets = Site.ClaimTake },
        new("the budget is used up", BudgetUsedUp, (_, user) => user.Allocator.Tick()) { Budget = 96 << 10, Claims = true, Meets = Site.ClaimFence },
        new("a class's bound changes", (_, user) => user.ChangeClassBound()) { Claims = true, Meets = Site.ClaimFence },
        new("the hard limit is met", (_, user) => user.MeetHardLimit(12)) { Sweeps = true, Claims = true, Addresses = (long)DirectTable.LeafBytes + (320 << 10), Meets = Site.ClaimFence, After = world => world.SetLimits(0, 0) },
        new("the soft limit is met", (_, user) => user.MeetSoftLimit(12)) { Sweeps = true, Meets = Site.LimitNote, After = world => world.SetLimits(0, 0) },
        new("warm-up", (_, user) => user.WarmUp(200, 300)),
        new("park", (_, user) => user.Cache.Park()),
        new("a cache begins and ends", (_, user) => user.OtherCache()) { HasSecond = true },
        new("statistics", (_, user) => user.Figures()) { Meets = Site.GateEnter },
        new("purge on demand", (_, user) => user.AllocMany(8, 60_000), Touch) { Sweeps = true },
        new("a new stretch", (_, user) => user.AllocMany(3, 60_000), FillStretch) { Addresses = 96L << 30, Sweeps = true },
        new("memory is refused", Refused) { Sweeps = true, Claims = true, Meets = Site.ClaimFence, After = world => world.Os.ClearFaults() },
    ];

    public static Operation Named(string name) => All.Single(operation => operation.Name == name);

    private static void Zeroed(World world, Mutator user)
    {
        for (var i = 0; i < 8; i++)
            user.Zeroed(5000);
    }

    private static void Aligned(World world, Mutator user)
    {
        for (var i = 0; i < 12; i++)
            user.Aligned(100 + (i * 90), 64 << (i % 7));
    }

    private static void Realloc(World world, Mutator user)
    {
        user.Alloc(100);
        foreach (var size in new[] { 300, 1000, 3000, 10_000, 30_000, 70_000, 150_000, 20 })
            user.Realloc(user.Live.Count - 1, size);
    }

    private static void Medium(World world, Mutator user)
    {
        foreach (var size in new[] { 100_000, 100_000, 1_000_000 })
            user.Alloc(size);
        for (var i = 0; i < 3; i++)
            user.Free(user.Live.Count - 1, sized: false);
    }

    /// <summary>Fresh, longer and shorter where they are, moved, into the cache's slot, out of it on offer, and out of it to its owner.</summary>
    private static void Regions(World world, Mutator user)
    {
        for (var i = 0; i < 3; i++)
            user.Alloc(3_000_000);
        user.Realloc(user.Live.Count - 1, 2_200_000);
        user.Realloc(user.Live.Count - 1, 3_000_000);
        user.Realloc(user.Live.Count - 1, 5_000_000);
        for (var i = 0; i < 2; i++)
            user.Free(user.Live.Count - 1, sized: false);
        user.Alloc(3_000_000);
        for (var i = 0; i < 2; i++)
            user.Free(user.Live.Count - 1, sized: false);
    }

    private static void AmbientCalls(World world, Mutator user)
    {
        user.Ambient!.AllocMany(90, 200);
        user.Ambient.AllocMany(5, 4000);
        user.Ambient.FreeAll();
    }

    /// <summary>Three ticks: one magazine goes, then two, then four.</summary>
    private static void Tick(World world, Mutator user)
    {
        for (var i = 0; i < 3; i++)
            user.Allocator.Tick();
    }

    private static void Claimed(World world, Mutator user)
    {
        user.Ambient!.AllocMany(30, 200);
        world.Claim(user.Ambient);
    }

    private static void OneDies(World world, Mutator user)
    {
        var thread = user.NewAmbient();
        thread.AllocMany(60, 200);
        thread.AllocMany(9, 4000);
        thread.FreeAll();
        thread.Die();
    }

    /// <summary>Two magazines of 60 000 bytes are more than all caches may hold: one slot at a time, until idle caches are looked at.</summary>
    private static void BudgetUsedUp(World world, Mutator user)
    {
        user.AllocMany(40, 4000);
        user.AllocMany(90, 10_000);
    }

    private static void EmptyBlocks(World world, Mutator user)
    {
        var from = user.Live.Count;
        for (var i = 0; i < 40; i++)
            user.AllocUntouched(60_000);
        for (var at = user.Live.Count - 1; at >= from; at--)
            user.Free(at, sized: true);
        user.Cache.Park();
        FillRecycler(world, 24);
    }

    private static void FillRecycler(World world, int size)
    {
        world.Survivor.AllocMany(2000, size);
        world.Survivor.FreeWhere(i => world.Survivor.Live[i].Size == size);
    }

    /// <summary>Two MiB of small blocks, touched and free: another 12.5 % of the peak in large ones calls the sweeper.</summary>
    private static void Touch(World world, Mutator user)
    {
        var from = user.Live.Count;
        for (var i = 0; i < 65_536; i++)
            user.AllocUntouched(32);
        user.Alloc(60_000);
        for (var at = user.Live.Count - 2; at >= from; at--)
            user.Free(at, sized: true);
        user.Cache.Park();
    }

    private static unsafe void FillStretch(World world, Mutator user)
    {
        var space = &Placement<HardwareAtomics>.StretchAt(user.Heap, 0)->Large;
        while (space->Frontier < space->BlockCount)
            user.AllocUntouched(65_536);
    }

    private static void Refused(World world, Mutator user)
    {
        world.Os.FailEvery(VmVerb.Commit, 1);
        for (var i = 0; i < 400 && user.TryAlloc(30_000); i++)
        {
        }

        world.Os.ClearFaults();
    }
}

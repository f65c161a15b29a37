using BitTreeAlloc;

Profiles();
ByTime();
WholeHugePages();
WithoutCalls();
UnderALimit();

static unsafe void Profiles()
{
    using var allocator = new BitTreeAllocator(new() { Profile = Profile.LargeBuffers });
    var buffer = allocator.Alloc(100 << 20);
    allocator.Free(buffer);

    // Live: from here on what is freed goes back earlier. What is kept already goes at the next tick, trim or demand.
    allocator.Profile = Profile.Frugal;

    // One of your own: a named one with changes.
    allocator.Policy = MemoryPolicy.Of(Profile.Balanced) with { FreeShare = 0.5, TickPurgeBytes = 64 << 20 };
    Console.WriteLine($"half of the peak may lie free: {allocator.Policy.FreeShare}");
}

static unsafe void ByTime()
{
    using var allocator = new BitTreeAllocator(new() { TickInterval = TimeSpan.FromSeconds(1) }); // starts
    allocator.TickInterval = TimeSpan.FromSeconds(5); // keeps another pace
    allocator.TickInterval = Timeout.InfiniteTimeSpan; // stops

    // Or by hand: 32 MiB of free regions of each class go back with each tick of the balanced profile.
    var cache = allocator.CreateCache();
    allocator.Free(ref cache, allocator.Alloc(ref cache, 64 << 20));
    cache.Dispose();
    var ticks = 0;
    for (; allocator.GetStatistics().FreeRegionBytes != 0; ticks++)
        allocator.Tick();
    Console.WriteLine($"64 MiB went back in {ticks} ticks");
}

static unsafe void WholeHugePages()
{
    var policy = MemoryPolicy.Of(Profile.LargeBuffers) with { HugePages = HugePages.Pool };
    using var allocator = new BitTreeAllocator(new() { Policy = policy });
    allocator.HugePagesDenied += (_, e) => Console.Error.WriteLine(e.Reason);
    var buffer = allocator.Alloc(64 << 20);
    var figures = allocator.GetStatistics();
    Console.WriteLine($"from the pool: {(figures.HugePoolBytes != 0 ? "all" : "nothing")}; asked in vain: {(figures.HugePoolRefusals != 0 ? "yes" : "no")}");
    allocator.Free(buffer);
}

static unsafe void WithoutCalls()
{
    using var allocator = new BitTreeAllocator();
    var cache = allocator.CreateCache();
    allocator.Reserve(new ReservePlan { { 4096, 10_000 }, { 8 << 20, 4 } });
    allocator.PrefaultAsync(8 << 20, 4).Wait(); // their pages too
    allocator.WarmUp(ref cache, 4096, 1_000);

    allocator.Seal(OnOsCall.Refuse);
    for (var round = 0; round < 1_000; round++)
    {
        var message = allocator.Alloc(ref cache, 4096);
        var frame = allocator.Alloc(ref cache, 8 << 20);
        allocator.Free(ref cache, frame, 8 << 20);
        allocator.Free(ref cache, message, 4096);
    }

    var calls = allocator.GetStatistics().SealBrokenCalls;
    var isServed = allocator.TryAlloc(ref cache, 1 << 30, out _, out var error); // nothing was made ready for this one
    allocator.Unseal();
    Console.WriteLine($"sealed: {calls} calls in 1000 rounds; a GiB: {(isServed ? "served" : error)}");
    cache.Dispose();
}

static unsafe void UnderALimit()
{
    // In a container the limits would be derived; these are set, so no container is asked.
    using var allocator = new BitTreeAllocator(new() { HardLimitBytes = 64 << 20, SoftLimitBytes = 56 << 20 });
    var isServed = allocator.TryAlloc(100 << 20, out _, out var error);
    Console.WriteLine($"100 MiB under 64: {(isServed ? "served" : error)}");

    using var free = new BitTreeAllocator(new() { UseContainerLimit = false });
    Console.WriteLine($"limit of one that asks no container: {free.HardLimitBytes}");
}

using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Children;

/// <summary>
/// The allocator never reads or writes a byte of user memory. Slots of every class are freed, every page they lay on is made inaccessible,
/// and the allocator then serves, takes back, flushes, counts and trims as if nothing had happened; a single touch would end the process.
/// </summary>
internal static unsafe class ProtectedUserPages
{
    private const int Rounds = 6;
    private const nuint PerClass = 192 * 1024;

    public static void Run(string[] arguments)
    {
        var casWidth = Enum.Parse<CasWidth>(arguments[0]);
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = casWidth, Purging = PurgeMode.Off });
        var caches = new[] { allocator.CreateCache(), allocator.CreateCache() };
        for (var round = 0; round < Rounds; round++)
        {
            var slots = AllocateEveryClass(allocator, caches, round);
            foreach (var (address, size) in slots)
                PageProtection.Protect(address, allocator.UsableSize((void*)address));
            FreeShuffled(allocator, caches, slots, round);
            foreach (ref var cache in caches.AsSpan())
                cache.Park();
            Require(allocator.GetStatistics().LiveBytes == 0, "live bytes are left");
            if (round >= 2)
                allocator.Trim();
            PageProtection.Again();
            Mixed(allocator, caches, slots, round);
        }

        ElsewhereToo(allocator);
        foreach (ref var cache in caches.AsSpan())
            cache.Dispose();
        Console.WriteLine($"{PageProtection.Pages} pages were inaccessible");
        Require(PageProtection.Pages > 1000, "the scenario protected too few pages");
    }

    private static List<(nuint Address, nuint Size)> AllocateEveryClass(BitTreeAllocator allocator, ThreadCache[] caches, int round)
    {
        var slots = new List<(nuint, nuint)>();
        foreach (var size in Sizes.Classes.Select(size => (nuint)size))
            for (nuint taken = 0; taken < PerClass; taken += size)
                slots.Add(((nuint)allocator.Alloc(ref caches[(slots.Count + round) % 2], size), size));
        return slots;
    }

    private static void FreeShuffled(BitTreeAllocator allocator, ThreadCache[] caches, List<(nuint Address, nuint Size)> slots, int seed)
    {
        var order = slots.ToArray();
        new Random(seed).Shuffle(order);
        for (var i = 0; i < order.Length; i++)
        {
            if (i % 3 == 0)
                allocator.Free(ref caches[i % 2], (void*)order[i].Address);
            else
                allocator.Free(ref caches[i % 2], (void*)order[i].Address, order[i].Size);
        }
    }

    // Serving again from what is inaccessible: addresses come and go, nobody touches them.
    private static void Mixed(BitTreeAllocator allocator, ThreadCache[] caches, List<(nuint Address, nuint Size)> sizes, int seed)
    {
        var random = new Random(seed);
        var live = new List<(nuint Address, nuint Size)>();
        for (var i = 0; i < 40_000; i++)
        {
            if (live.Count == 0 || (live.Count < 3000 && random.Next(2) == 0))
            {
                var size = sizes[random.Next(sizes.Count)].Size;
                live.Add(((nuint)allocator.Alloc(ref caches[random.Next(2)], size), size));
                PageProtection.Protect(live[^1].Address, allocator.UsableSize((void*)live[^1].Address));
            }
            else
            {
                var at = random.Next(live.Count);
                allocator.Free(ref caches[random.Next(2)], (void*)live[at].Address, live[at].Size);
                live[at] = live[^1];
                live.RemoveAt(live.Count - 1);
            }
        }

        FreeShuffled(allocator, caches, live, seed);
    }

    private static void ElsewhereToo(BitTreeAllocator allocator)
    {
        var thread = new Thread(() =>
        {
            for (var i = 0; i < 5000; i++)
                allocator.Free(allocator.AllocAligned(64, 64));
        });
        thread.Start();
        thread.Join();
        allocator.Trim();
        _ = allocator.GetStatistics();
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidOperationException(message);
    }
}

/// <summary>The control: a touch of a page that was protected this way ends the process.</summary>
internal static unsafe class TouchesProtectedPage
{
    public static void Run(string[] arguments)
    {
        var page = (nuint)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(8192, 4096);
        *(byte*)page = 1;
        PageProtection.Protect(page, 4096);
        *(byte*)page = 2;
    }
}

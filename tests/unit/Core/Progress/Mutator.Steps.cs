namespace BitTreeAlloc.Tests.Unit.Core.Progress;

/// <summary>What a survivor does at random, and the operations that are more than one call.</summary>
internal sealed unsafe partial class Mutator
{
    private static readonly int[] s_quietSizes = [24, 24, 200, 200, 200, 1000, 4000];

    /// <summary>One operation of any kind but Dispose. Every content is checked when it goes.</summary>
    public void Step(Random random)
    {
        switch (random.Next(1000))
        {
            case < 2:
                Alloc(random.Next(65_537, 120_000));
                break;
            case < 3:
                Seldom(random);
                break;
            case < 6:
                Cache.Park();
                break;
            case < 9:
                OtherCache();
                break;
            case < 12:
                Figures();
                break;
            case < 14:
                Allocator.Tick();
                break;
            case < 17:
                AnotherThread(random.Next(2) == 0);
                break;
            case < 22 when Other is not null:
                TakeOver(Other, 1);
                break;
            case < 60:
                Zeroed(random.Next(4) == 0 ? random.Next(4096, 9000) : random.Next(1, 500));
                break;
            case < 90:
                Aligned(random.Next(0, 700), 1 << random.Next(0, 10));
                break;
            case < 130 when Live.Count > 0:
                Realloc(random.Next(Live.Count), random.Next(2000));
                break;
            case < 160:
                World!.Sleeper.AmbientStep(random);
                break;
            case < 200:
                Ambient!.AmbientStep(random);
                break;
            case < 570 when Live.Count < 400:
                Alloc(random.Next(10) switch { < 6 => random.Next(0, 257), < 9 => random.Next(0, 3000), _ => random.Next(0, 12_000) });
                break;
            default:
                if (Live.Count > 0)
                    Free(random.Next(Live.Count), random.Next(2) == 0);
                break;
        }
    }

    /// <summary>One operation that needs nothing from the system where the heap has room: no size above 4 000 bytes, no trim.</summary>
    public void QuietStep(Random random)
    {
        switch (random.Next(1000))
        {
            case < 4:
                Cache.Park();
                break;
            case < 8:
                OtherCache();
                break;
            case < 10:
                Figures();
                break;
            case < 11:
                Allocator.Tick();
                break;
            case < 13:
                AnotherThread(random.Next(2) == 0);
                break;
            case < 40:
                Zeroed(s_quietSizes[random.Next(s_quietSizes.Length)]);
                break;
            case < 70:
                Aligned(180, 64);
                break;
            case < 100 when Live.Count > 0:
                Realloc(random.Next(Live.Count), s_quietSizes[random.Next(s_quietSizes.Length)]);
                break;
            case < 130:
                Ambient!.AmbientStep(random);
                break;
            case < 580 when Live.Count < 300:
                Alloc(s_quietSizes[random.Next(s_quietSizes.Length)]);
                break;
            default:
                if (Live.Count > 0)
                    Free(random.Next(Live.Count), random.Next(2) == 0);
                break;
        }
    }

    /// <summary>A call without a cache, by the user that has none.</summary>
    public void AmbientStep(Random random)
    {
        if (Live.Count < 60 && random.Next(120) >= Live.Count)
            Alloc(s_quietSizes[random.Next(s_quietSizes.Length)]);
        else
            Free(random.Next(Live.Count), random.Next(2) == 0);
    }

    /// <summary>A thread that begins, looks for dead ones first, works without a cache, and detaches, or ends without.</summary>
    public void AnotherThread(bool dies)
    {
        var thread = NewAmbient();
        thread.Adopt(2);
        thread.AllocMany(5, 200);
        thread.FreeAll();
        if (dies)
            thread.Die();
        else
            thread.End();
    }

    /// <summary>As the Api's, without its clearing up after a failure: a thread that is stopped for ever does none.</summary>
    public void WarmUp(int size, int count)
    {
        var from = Live.Count;
        Alloc(count * sizeof(nint));
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = 0; i < count; i++)
                AllocUntouched(size);
            while (Live.Count > from + 1)
                Free(Live.Count - 1, sized: true);
        }

        Free(from, sized: false);
    }

    /// <summary>The hard limit met on the way of blocks and of mappings, and lifted again.</summary>
    public void MeetHardLimit(int attempts)
    {
        var from = Live.Count;
        World!.SetLimits(0, World.Charged + (96 << 10));
        for (var i = 0; i < attempts && TryAlloc(30_000, AllocError.LimitReached); i++)
        {
        }

        TryAlloc(300_000, AllocError.LimitReached);
        World.SetLimits(0, 0);
        while (Live.Count > from)
            Free(Live.Count - 1, sized: false);
    }

    /// <summary>A soft limit below what is charged: the next births sweep for it.</summary>
    public void MeetSoftLimit(int births)
    {
        World!.SetLimits(World.Charged / 2, 0);
        for (var i = 0; i < births; i++)
            Alloc(40_000);
        World.SetLimits(0, 0);
        for (var i = 0; i < births; i++)
            Free(Live.Count - 1, sized: true);
    }

    /// <summary>Caches hold next to nothing of a class, and then again what they may.</summary>
    public void ChangeClassBound()
    {
        Allocator.MaxCachedBytesPerClass = 600;
        AllocMany(20, 200);
        for (var i = 0; i < 20; i++)
            Free(Live.Count - 1, sized: true);
        Allocator.MaxCachedBytesPerClass = 0;
    }

    // What costs thousands of accesses: once in a thousand steps.
    private void Seldom(Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                Allocator.Trim(ref Cache);
                break;
            case 1:
                Allocator.Trim(ref Cache, (TrimLevel)random.Next(2));
                break;
            case 2:
                TrimAsNobody((TrimLevel)random.Next(3));
                break;
            case 3:
                ChangeClassBound();
                break;
            case 4:
                MeetHardLimit(4);
                break;
            case 5:
                MeetSoftLimit(2);
                break;
            case 6:
                Allocator.WarmUp(ref Cache, 200, 100);
                break;
            default:
                Assert.True(Allocator.GetStatistics().CacheCount > 0);
                break;
        }
    }

    /// <summary>A trim by a thread without a cache.</summary>
    public void TrimAsNobody(TrimLevel level) => Heap->Engine.Trim(Heap, null, (int)level, out _, out _);
}

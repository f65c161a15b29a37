using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>One thread's random operations. What it holds, it holds alone; what it passes on goes through the exchanges of the stages.</summary>
internal sealed unsafe class SoakLane(SoakRun run, SoakBeat beat, Random random)
{
    private const int CachesPerStage = 2;
    private const long MostLiveBytes = 6 << 20;
    private const int MostLive = 4000;

    private readonly List<SoakBlock> _live = [];
    private readonly ThreadCache[] _caches = new ThreadCache[run.Stages.Count * CachesPerStage];
    private long _liveBytes;

    /// <summary>How often a call goes without a cache: of ten.</summary>
    public int AmbientOfTen { get; init; } = 4;

    /// <summary>One operation, in the mood of the phase.</summary>
    public void Step()
    {
        var stage = run.Active[random.Next(run.Active.Count)];
        var dice = random.Next(1000);
        beat.Tick();
        if (dice < 8)
            Manage(stage, dice);
        else if (dice < 70)
            Resize(stage);
        else if (dice < 130)
            Swap(stage);
        else if (_live.Count < MostLive && _liveBytes < MostLiveBytes && dice < (run.IsGrowing ? 660 : 420))
            Take(stage);
        else
            FreeOne();
    }

    /// <summary>Takes twice what a cycle holds at most, from the allocators that are new: so high a tide comes no more, and what is committed is flat from here on.</summary>
    public void Flood()
    {
        foreach (var stage in run.Active.Where(stage => stage.IsNew))
            for (var until = _liveBytes + (2 * MostLiveBytes); _liveBytes < until && run.IsWorking;)
            {
                beat.Tick();
                Take(stage);
            }
    }

    /// <summary>Frees all that is held; caches are parked or disposed of.</summary>
    public void Drain(bool disposeAll)
    {
        beat.At = "draining";
        while (_live.Count != 0)
        {
            beat.Tick();
            FreeOne();
        }

        beat.At = "parking caches";
        foreach (var stage in run.Stages)
            for (var i = 0; i < CachesPerStage; i++)
            {
                ref var cache = ref _caches[(stage.Index * CachesPerStage) + i];
                if (disposeAll || stage.IsDue || random.Next(3) == 0)
                    cache.Dispose();
                else
                    cache.Park();
            }
    }

    /// <summary>Leaves what is held to others, as far as there is room.</summary>
    public void Bequeath()
    {
        for (var i = _live.Count - 1; i >= 0; i--)
        {
            var block = _live[i];
            if (Interlocked.CompareExchange(ref block.Stage.Exchange[random.Next(block.Stage.Exchange.Length)], block, null) is null)
                Forget(i);
        }
    }

    /// <summary>Frees a block that was found in an exchange.</summary>
    public void Free(SoakBlock block)
    {
        beat.At = "Free";
        block.Check(block.Address, block.Size, "when freed");
        var stage = block.Stage;
        stage.Calls.GiveBack(ref CacheOf(stage, out var ambient), ambient, random.Next(3) != 0, block.Address, block.Size, block.Alignment);
        run.Count(SoakCount.Frees);
        beat.At = "choosing";
    }

    private static nuint RandomSize(Random random) => random.Next(1000) switch
    {
        < 500 => (nuint)random.Next(0, 257),
        < 750 => (nuint)Math.Max(0, Sizes.Classes[random.Next(Sizes.Classes.Length)] + random.Next(-1, 2)),
        < 960 => (nuint)random.Next(0, 9000),
        < 985 => (nuint)random.Next(9000, 65537),
        < 999 => (nuint)random.Next(65537, 400_000),
        _ => (nuint)random.Next(400_000, 3_000_000),
    };

    private ref ThreadCache CacheOf(SoakStage stage, out bool ambient)
    {
        ambient = random.Next(10) < AmbientOfTen;
        return ref _caches[(stage.Index * CachesPerStage) + random.Next(CachesPerStage)];
    }

    private void Take(SoakStage stage)
    {
        var verb = (SoakVerb)random.Next(random.Next(4) == 0 ? 6 : 2);
        var isAligned = verb is SoakVerb.AllocAligned or SoakVerb.TryAllocAligned;
        var size = RandomSize(random);
        var alignment = isAligned ? (nuint)1 << (random.Next(200) == 0 ? random.Next(13, 22) : random.Next(0, 13)) : 1;
        beat.At = verb.ToString();
        var error = stage.Calls.Take(verb, ref CacheOf(stage, out var ambient), ambient, size, alignment, out var address);
        beat.At = "choosing";
        if (Refused(stage, error, address, verb.ToString(), size))
            return;
        run.Count(SoakCount.Allocs);
        var natural = Math.Max(alignment, Sizes.NaturalAlignment(size, 8));
        if (address == 0 || address % natural != 0)
            throw new SoakFailure($"{stage.Name}: {verb} of {size} bytes at {address:x} is no multiple of {natural}");
        var usable = stage.Allocator.UsableSize((void*)address);
        if (usable < size)
            throw new SoakFailure($"{stage.Name}: {verb} of {size} bytes has {usable} usable ones");
        if (verb is SoakVerb.AllocZeroed or SoakVerb.TryAllocZeroed && Content.FirstNonZero(address, usable) is >= 0 and var at)
            throw new SoakFailure($"{stage.Name}: {verb} of {size} bytes at {address:x} has a byte that is not zero at offset {at}");
        Keep(Made(stage, address, size, alignment));
    }

    private void Resize(SoakStage stage)
    {
        if (_live.Count == 0)
            return;
        var index = random.Next(_live.Count);
        var old = _live[index];
        stage = old.Stage;
        var size = RandomSize(random);
        old.Check(old.Address, old.Size, "before realloc");
        beat.At = "Realloc";
        var error = stage.Calls.Resize(ref CacheOf(stage, out var ambient), ambient, old.Address, size, old.Alignment, out var address);
        beat.At = "choosing";
        if (Refused(stage, error, address, "Realloc", size))
            return; // The old block lives on, and is checked again when it is freed.
        run.Count(SoakCount.Reallocs);
        Forget(index);
        old.Check(address, Math.Min(size, old.Size), "after realloc");
        Keep(Made(stage, address, size, old.Alignment));
    }

    /// <summary>Puts a block into the exchange; what lay there comes from another thread, most of the time.</summary>
    private void Swap(SoakStage stage)
    {
        SoakBlock? given = null;
        if (_live.Count != 0)
        {
            var index = random.Next(_live.Count);
            given = _live[index];
            stage = given.Stage;
            Forget(index);
        }

        var taken = Interlocked.Exchange(ref stage.Exchange[random.Next(stage.Exchange.Length)], given);
        if (taken is null)
            return;
        run.Count(SoakCount.Exchanged);
        if (random.Next(3) == 0)
            Keep(taken);
        else
            Free(taken);
    }

    private void FreeOne()
    {
        if (_live.Count == 0)
            return;
        var index = random.Next(_live.Count);
        var block = _live[index];
        Forget(index);
        Free(block);
    }

    private void Manage(SoakStage stage, int dice)
    {
        ref var cache = ref CacheOf(stage, out var ambient);
        switch (dice)
        {
            case 0 when random.Next(3) == 0:
                beat.At = "Trim";
                run.Count(SoakCount.Trims);
                _ = ambient ? stage.Allocator.Trim() : stage.Allocator.Trim(ref cache);
                break;
            case 1 when random.Next(3) == 0:
                beat.At = "GetStatistics";
                var figures = stage.Allocator.GetStatistics();
                if (figures.CommittedBytes > figures.ReservedBytes + (256 << 20))
                    throw new SoakFailure($"{stage.Name}: {figures.CommittedBytes} bytes committed of {figures.ReservedBytes} reserved");
                break;
            case < 4:
                beat.At = "Park";
                cache.Park();
                break;
            case < 6:
                beat.At = "Dispose";
                cache.Dispose();
                if (random.Next(2) == 0)
                    cache = stage.Allocator.CreateCache();
                break;
            default:
                beat.At = "passing a cache on";
                ref var place = ref stage.Caches[random.Next(stage.Caches.Length)];
                var mine = new SoakCache { Cache = cache };
                cache = Interlocked.Exchange(ref place, mine)?.Cache ?? default;
                break;
        }

        beat.At = "choosing";
    }

    /// <summary>True where the request was refused for a reason that this stage may have.</summary>
    private bool Refused(SoakStage stage, AllocError error, nuint address, string verb, nuint size)
    {
        if (error == AllocError.None)
            return false;
        if (!stage.MayRefuse || error is not (AllocError.CommitRefused or AllocError.AddressSpaceExhausted or AllocError.TooManyMappings) || address != 0)
            throw new SoakFailure($"{stage.Name}: {verb} of {size} bytes failed with {error} and gave {address:x}");
        run.Count(SoakCount.Refused);
        return true;
    }

    private SoakBlock Made(SoakStage stage, nuint address, nuint size, nuint alignment)
    {
        var block = new SoakBlock(stage, address, size, alignment, SoakBlock.KeyOf(run.Plan.Seed, address, size, random.NextInt64()));
        block.Fill();
        return block;
    }

    private void Keep(SoakBlock block)
    {
        _live.Add(block);
        _liveBytes += (long)block.Size;
    }

    private void Forget(int index)
    {
        _liveBytes -= (long)_live[index].Size;
        _live[index] = _live[^1];
        _live.RemoveAt(_live.Count - 1);
    }
}

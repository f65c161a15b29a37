namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>The shipped allocator with a few explicit caches and the ambient one.</summary>
internal sealed unsafe class RealAllocator : IAllocatorUnderTest
{
    private readonly DenyingMemory? _memory;
    private readonly BitTreeAllocator _allocator;
    private readonly ThreadCache[] _caches = new ThreadCache[Setup.Caches];

    public RealAllocator(Setup setup)
    {
        _memory = setup.DenyOs ? new DenyingMemory() : null;
        var options = setup.ToOptions();
        _allocator = new BitTreeAllocator(_memory is null ? options : new BitTreeAllocatorOptions
        {
            CasWidth = options.CasWidth,
            Profile = options.Profile,
            MinimumAlignment = options.MinimumAlignment,
            Purging = options.Purging,
            HardLimitBytes = options.HardLimitBytes,
            Level = options.Level,
            VirtualMemory = _memory.Table,
        });
        for (var i = 0; i < _caches.Length; i++)
            _caches[i] = _allocator.CreateCache();
    }

    public long Denied => _memory?.Denied ?? 0;

    public AllocError Serve(in Step step, nuint old, out nuint address)
    {
        void* p = null;
        var error = AllocError.None;
        if (step.Try)
            _ = step.Cache == Step.Ambient ? TryAmbient(step, (void*)old, out p, out error) : TryCached(step, ref _caches[step.Cache], (void*)old, out p, out error);
        else
            p = step.Cache == Step.Ambient ? Ambient(step, (void*)old) : Cached(step, ref _caches[step.Cache], (void*)old);
        address = (nuint)p;
        return error;
    }

    public AllocError Free(in Step step, nuint address, nuint size, nuint alignment)
    {
        var p = (void*)address;
        var error = AllocError.None;
        switch (step.Verb, step.Cache)
        {
            case (Verb.Free, Step.Ambient) when step.Try:
                _allocator.TryFree(p, out error);
                break;
            case (Verb.Free, Step.Ambient):
                _allocator.Free(p);
                break;
            case (Verb.Free, _) when step.Try:
                _allocator.TryFree(ref _caches[step.Cache], p, out error);
                break;
            case (Verb.Free, _):
                _allocator.Free(ref _caches[step.Cache], p);
                break;
            case (_, Step.Ambient) when alignment != 0:
                _allocator.FreeAligned(p, size, alignment);
                break;
            case (_, Step.Ambient):
                _allocator.Free(p, size);
                break;
            case (_, _) when alignment != 0:
                _allocator.FreeAligned(ref _caches[step.Cache], p, size, alignment);
                break;
            default:
                _allocator.Free(ref _caches[step.Cache], p, size);
                break;
        }

        return error;
    }

    public void Manage(in Step step)
    {
        switch (step.Verb)
        {
            case Verb.Park:
                _caches[step.Cache].Park();
                break;
            case Verb.Trim:
                _allocator.Trim();
                break;
            case Verb.TrimCache:
                _allocator.Trim(ref _caches[step.Cache]);
                break;
            case Verb.RenewCache:
                _caches[step.Cache].Dispose();
                _caches[step.Cache] = step.Try || _memory is not null ? default : _allocator.CreateCache();
                break;
            default:
                _memory!.Deny((long)step.Size, (long)step.Alignment);
                break;
        }
    }

    public nuint UsableSize(nuint address) => _allocator.UsableSize((void*)address);

    public bool Owns(nuint address) => _allocator.Owns((void*)address);

    public nuint GoodSize(nuint size) => BitTreeAllocator.GoodSize(size);

    public Figures Figures()
    {
        var statistics = _allocator.GetStatistics();
        return new Figures(
            statistics.LiveBytes,
            statistics.RegionBytes + statistics.DirectBytes,
            statistics.RegionCount + statistics.DirectCount,
            statistics.ReservedBytes,
            statistics.CommittedBytes,
            statistics.Classes.GroupBy(one => one.SlotSize).ToDictionary(group => group.Key, group => group.Sum(one => one.LiveSlots)));
    }

    public void Dispose()
    {
        foreach (ref var cache in _caches.AsSpan())
            cache.Dispose();
        _memory?.DenyNothing();
        if (_memory is not null)
            ChargeWalk.Check(_allocator);
        _allocator.Dispose();
        if (_memory is null)
            return;
        var breaches = _memory.Breaches().ToArray();
        _memory.Dispose();
        if (breaches.Length > 0)
            throw new OracleViolation(string.Join('\n', breaches));
    }

    private bool TryCached(in Step step, ref ThreadCache cache, void* old, out void* p, out AllocError error) => step.Verb switch
    {
        Verb.Alloc => _allocator.TryAlloc(ref cache, step.Size, out p, out error),
        Verb.AllocZeroed => _allocator.TryAllocZeroed(ref cache, step.Size, out p, out error),
        Verb.AllocAligned => _allocator.TryAllocAligned(ref cache, step.Size, step.Alignment, out p, out error),
        Verb.Realloc when step.Alignment == 0 => _allocator.TryRealloc(ref cache, old, step.Size, out p, out error),
        _ => NoTryForm(Cached(step, ref cache, old), out p, out error),
    };

    private bool TryAmbient(in Step step, void* old, out void* p, out AllocError error) => step.Verb switch
    {
        Verb.Alloc => _allocator.TryAlloc(step.Size, out p, out error),
        Verb.AllocZeroed => _allocator.TryAllocZeroed(step.Size, out p, out error),
        Verb.AllocAligned => _allocator.TryAllocAligned(step.Size, step.Alignment, out p, out error),
        Verb.Realloc when step.Alignment == 0 => _allocator.TryRealloc(old, step.Size, out p, out error),
        _ => NoTryForm(Ambient(step, old), out p, out error),
    };

    private void* Cached(in Step step, ref ThreadCache cache, void* old) => step.Verb switch
    {
        Verb.Alloc => _allocator.Alloc(ref cache, step.Size),
        Verb.AllocZeroed => _allocator.AllocZeroed(ref cache, step.Size),
        Verb.AllocCounted => _allocator.AllocZeroed(ref cache, step.Alignment, step.Size),
        Verb.AllocAligned => _allocator.AllocAligned(ref cache, step.Size, step.Alignment),
        _ when step.Alignment != 0 => _allocator.ReallocAligned(ref cache, old, step.Size, step.Alignment),
        _ => _allocator.Realloc(ref cache, old, step.Size),
    };

    private void* Ambient(in Step step, void* old) => step.Verb switch
    {
        Verb.Alloc => _allocator.Alloc(step.Size),
        Verb.AllocZeroed => _allocator.AllocZeroed(step.Size),
        Verb.AllocCounted => _allocator.AllocZeroed(step.Alignment, step.Size),
        Verb.AllocAligned => _allocator.AllocAligned(step.Size, step.Alignment),
        _ when step.Alignment != 0 => _allocator.ReallocAligned(old, step.Size, step.Alignment),
        _ => _allocator.Realloc(old, step.Size),
    };

    private static bool NoTryForm(void* got, out void* p, out AllocError error)
    {
        p = got;
        error = AllocError.None;
        return true;
    }
}

using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>How far a trim goes. Each level does what the ones before it do.</summary>
public enum TrimLevel
{
    /// <summary>Caches and what waits between them go back to the blocks, for other threads and classes to use. Nothing goes back to the system: no page fault later, and no call to it but the memory barrier that
    /// makes sleeping threads' caches safe to take.</summary>
    Caches = 0,

    /// <summary>Blocks that are wholly free go back to the system.</summary>
    Blocks,

    /// <summary>Free pages inside blocks in use go back, too.</summary>
    Pages,
}

/// <summary>Giving memory back, and what bounds the caches.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>
    /// Gives memory back, all of it: <see cref="Trim(TrimLevel)"/> with <see cref="TrimLevel.Pages"/>.
    /// </summary>
    public TrimResult Trim() => Trim(TrimLevel.Pages);

    /// <summary>
    /// Gives memory back. Ambient caches of threads that are not in a call are emptied at once, whether their threads ever run again or not; the caches of threads that are, and explicit caches,
    /// flush themselves at their next free or slow call (what an explicit cache has put aside is taken at once; <see cref="ThreadCache.Park"/> it before its owner sleeps for long).
    /// From any thread; safe while all others work.
    /// </summary>
    /// <exception cref="AllocatorMisuseException">What was given back had been freed twice; the trim is complete all the same.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public TrimResult Trim(TrimLevel level)
    {
        CheckLevel(level);
        _ = LiveHeap;

        // The caller's ambient cache, if it has one here, as its owner; nobody needs one to trim.
        var ambient = t_owner == _serial ? t_record : null;
        var own = ambient != null && CacheClaims<HardwareAtomics>.TryEnter(ambient) ? ambient : null;
        var outcome = TrimWith(own, level, out var result);
        if (ambient != null)
            CacheClaims<HardwareAtomics>.Leave(ambient);
        return outcome == Outcome.Ok ? result : throw Errors.Misuse(outcome);
    }

    /// <inheritdoc cref="Trim(ref ThreadCache, TrimLevel)"/>
    public TrimResult Trim(ref ThreadCache cache) => Trim(ref cache, TrimLevel.Pages);

    /// <summary>As <see cref="Trim(TrimLevel)"/>, with the caller's cache flushed at once.</summary>
    public TrimResult Trim(ref ThreadCache cache, TrimLevel level)
    {
        CheckLevel(level);
        var error = _checked ? EnterGuard(ref cache) : Ready(ref cache);
        if (error != AllocError.None)
            throw Failure(error, CacheRecord.Stride);
        var outcome = TrimWith(cache.Record, level, out var result);
        if (_checked)
            CacheGuard.Leave(cache.Record);
        return outcome == Outcome.Ok ? result : throw Errors.Misuse(outcome);
    }

    /// <summary>
    /// One tick of the clock by which idle caches shrink: a cache that was not used since the last tick gives 1, 2, 4, 8 … magazines back to the blocks; use begins it again. Ambient caches are
    /// emptied so whether their threads ever run again or not; of explicit ones what they have put aside is taken. Then <see cref="MemoryPolicy.TickPurgeBytes"/> of free regions of each class and of
    /// empty blocks go back to the system. Call it every second or so, from any thread, or set <see cref="TickInterval"/>.
    /// </summary>
    /// <returns>Slots that went back to their blocks.</returns>
    /// <exception cref="AllocatorMisuseException">What was given back had been freed twice; the tick is complete all the same.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public long Tick()
    {
        if (!TryVisit(out var heap))
            throw Errors.Disposed();
        try
        {
            var outcome = _engine.Tick(heap, out var flushed, out _);
            return outcome == Outcome.Ok ? flushed : throw Errors.Misuse(outcome);
        }
        finally
        {
            EndVisit();
        }
    }

    /// <summary>
    /// Most bytes that one cache may hold of one size class; 0, the default, stands for two magazines: of <see cref="MemoryPolicy.MagazineBytes"/> as they were when the allocator
    /// was made, in 4 to 125 slots; of 256 KiB or one slot for slots above 64 KiB. A class whose slots are larger than the bound is not cached at all. It may be changed at any time: every cache comes in at its next free or slow call and holds itself to it from then on.
    /// </summary>
    public ulong MaxCachedBytesPerClass
    {
        get => HardwareAtomics.LoadAcquire(&LiveHeap->CacheClassBytesLine.Value, Site.HeapFigures); // order: a setting [H1]
        set
        {
            HardwareAtomics.StoreRelease(&LiveHeap->CacheClassBytesLine.Value, value, Site.HeapFigures); // order: release: before the generation that makes the caches come in [H1]
            Trim(TrimLevel.Caches);
        }
    }

    private Outcome TrimWith(CacheRecord* own, TrimLevel level, out TrimResult result)
    {
        var outcome = _engine.Trim(_heap, own, (int)level, out var purged, out var flushed);
        result = new TrimResult((nuint)purged, flushed);
        return outcome;
    }

    private static void CheckLevel(TrimLevel level)
    {
        if (level is < TrimLevel.Caches or > TrimLevel.Pages)
            throw new ArgumentOutOfRangeException(nameof(level), level, "A trim goes to Caches, Blocks or Pages.");
    }
}

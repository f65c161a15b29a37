using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc;

/// <summary>Limits on memory: what is charged against them, and the event.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>Whether a handler runs on this thread: what it meets itself is not told again, or a handler that allocates at the limit would never end.</summary>
    [ThreadStatic]
    private static bool t_isTelling;

    /// <summary>1 while handlers are added or removed, once or twice in a life; never looked at to raise the event.</summary>
    private ulong _handlersBusy;
    private EventHandler<MemoryLimitEventArgs>? _limitReached;
    private EventHandler<HugePagesDeniedEventArgs>? _hugePagesDenied;

    /// <summary>
    /// Charged bytes (<see cref="AllocatorStatistics.ChargedBytes"/>) above which the allocator purges harder, down to the limit where it can; 0: none. May be changed at any time from any thread;
    /// takes effect at the next birth of a block or mapping. Crossing it raises <see cref="LimitReached"/> once, and again after the charge had fallen a sixteenth below.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public ulong SoftLimitBytes
    {
        get => HardwareAtomics.LoadAcquire(&LiveHeap->SoftLimitLine.Value, Site.HeapFigures); // order: a setting [H1]
        set => Limits<HardwareAtomics>.Set(LiveHeap, value, HardLimitBytes);
    }

    /// <summary>
    /// Charged bytes (<see cref="AllocatorStatistics.ChargedBytes"/>) that the allocator never exceeds; 0: none. What does not fit fails with <see cref="AllocError.LimitReached"/>, after
    /// the caller's own cache was flushed, the recyclers were emptied and free blocks were purged. May be changed at any time from any thread; takes effect at the next birth of a block or mapping.
    /// Below what is charged already, nothing is taken away: new births fail.
    /// </summary>
    /// <remarks>
    /// Not charged: 4 KiB for each cache (they belong to the process), and the managed objects of the runtime. A slot that is free in a block or a cache serves whatever the limit is.
    /// Two threads that race for the last bytes may both fail.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public ulong HardLimitBytes
    {
        get => HardwareAtomics.LoadAcquire(&LiveHeap->HardLimitLine.Value, Site.HeapFigures); // order: a setting [H1]
        set => Limits<HardwareAtomics>.Set(LiveHeap, SoftLimitBytes, value);
    }

    /// <summary>
    /// A limit was met. Raised on the thread whose call met it, when that call's work is complete and nothing is held: a handler may allocate, free, trim and change limits on this allocator, through
    /// the same cache too. It must not dispose of the allocator or of the cache of the call.
    /// </summary>
    /// <remarks>
    /// <para>Soft: once for a crossing. Hard: for each request that fails; the request has failed whatever the handler does, and the caller may try again.</para>
    /// <para>What a handler itself meets is not told again. If it throws, the caller of the allocation gets that exception, a Try-form's caller too; memory is as if the allocation had failed: what it
    /// had taken is free again, and what a Realloc was to move is where it was.</para>
    /// </remarks>
    public event EventHandler<MemoryLimitEventArgs>? LimitReached
    {
        add => ChangeHandlers(() => _limitReached += value);
        remove => ChangeHandlers(() => _limitReached -= value);
    }

    /// <summary>
    /// The system refused advice about huge pages: raised once in an allocator's life, on the thread whose call met it, as <see cref="LimitReached"/> is: a handler may
    /// allocate and throw. Where the call was made by a handler of either event, the next call tells it. The allocation has succeeded, with ordinary pages.
    /// </summary>
    public event EventHandler<HugePagesDeniedEventArgs>? HugePagesDenied
    {
        add => ChangeHandlers(() => _hugePagesDenied += value);
        remove => ChangeHandlers(() => _hugePagesDenied -= value);
    }

    /// <summary>The end of a slow call that may have met a limit: the thread is outside of its cache again, explicit or ambient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private AllocError Told(AllocError error, CacheRecord* record, nuint size, ref void* pointer)
    {
        if (_heap != null && HasNews(error, record))
            Tell(error, record, size, ref pointer);
        return error;
    }

    /// <summary>A look at a shared line that is hardly ever written: one load for a refill.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasNews(AllocError error, CacheRecord* record) => _heap->LimitNoteLine.Value == (ulong)record || error == AllocError.LimitReached || _heap->AdviceDeniedLine.Value == 1;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Tell(AllocError error, CacheRecord* record, nuint size, ref void* pointer)
    {
        var isSoft = Limits<HardwareAtomics>.TryTakeNote(_heap, record, out var charged);
        var handlers = _limitReached ?? ((_, _) => { });
        if (t_isTelling)
            return;
        t_isTelling = true;
        try
        {
            if (isSoft)
                handlers(this, new MemoryLimitEventArgs(MemoryLimitKind.Soft, SoftLimitBytes, charged, size));
            if (error == AllocError.LimitReached)
                handlers(this, new MemoryLimitEventArgs(MemoryLimitKind.Hard, HardLimitBytes, Limits<HardwareAtomics>.Charged(_heap), size));

            // Last, so that a handler that throws takes no other news with it; and not where a handler runs: there the note stays for a later call.
            if (_heap->AdviceDeniedLine.Value == 1 && HardwareAtomics.CompareExchangeAcqRel(&_heap->AdviceDeniedLine.Value, 1, 2, Site.HeapFigures)) // order: a note; one tells it [H1]
                _hugePagesDenied?.Invoke(this, new HugePagesDeniedEventArgs($"The system refused advice to use huge pages (transparent huge pages: {HugePageSupport.ReadMode()}). See /sys/kernel/mm/transparent_hugepage/enabled, or set MemoryPolicy.HugePages to Never."));
        }
        catch
        {
            // Nobody will learn the address: it goes back.
            if (pointer != null && record->IsAmbient != 0)
                _ = TryFreeAmbient(pointer, null);
            else
                FreeThrough(record, pointer);
            pointer = null;
            throw;
        }
        finally
        {
            t_isTelling = false;
        }
    }

    private void FreeThrough(CacheRecord* record, void* pointer)
    {
        var cache = new ThreadCache { Record = record };
        _ = FreeGuarded(ref cache, pointer, null);
    }

    private void ChangeHandlers(Action change)
    {
        var spin = default(SpinWait);
        fixed (ulong* busy = &_handlersBusy)
        {
            while (!HardwareAtomics.CompareExchangeAcqRel(busy, 0, 1, Site.None)) // order: acquire: the handlers as the last change left them [A3]
                spin.SpinOnce();
            change();
            HardwareAtomics.StoreRelease(busy, 0, Site.None); // order: release [A3]
        }
    }
}

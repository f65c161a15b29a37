using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// Native memory without a garbage collector: lock-free, cached per thread, and given back when load falls.
/// </summary>
/// <remarks>
/// <para>Thread-safety: every member but <see cref="Dispose"/> from any thread at any time. A <see cref="ThreadCache"/> by one thread at a time. No call takes a lock; a thread that is stopped
/// anywhere never stops another.</para>
/// <para>Contents of new memory are undefined except where a name says Zeroed. Memory stays valid until it is freed, from any thread and through any cache of the same allocator,
/// or until the allocator is disposed of. An allocator that is dropped without <see cref="Dispose"/> keeps its memory: pointers into it may outlive the object.</para>
/// <para>Alignment: 16 bytes where the requested size is a multiple of 16, otherwise 8 (an option raises it to 16); 64 bytes where the size is a multiple of 64; for more see
/// <see cref="AllocAligned(ref ThreadCache, nuint, nuint)"/>.</para>
/// <para>Sizes: 0 is served as a slot of its own, to be freed like any other. Small (to 64 KiB) and medium (to 2 MiB) from blocks through caches; to 64 GiB a region, kept and reused; above by a mapping of its own.</para>
/// </remarks>
public sealed unsafe partial class BitTreeAllocator : IDisposable
{
    /// <summary>Largest small size in bytes: 64 KiB.</summary>
    public const int MaxSmallSize = SizeClasses.MaxSmallSize;

    /// <summary>Largest medium size in bytes: 2 MiB. Small and medium sizes are served from blocks, through caches.</summary>
    public const int MaxMediumSize = SizeClasses.MaxSize;

    /// <summary>Largest size in bytes that a region serves: 64 GiB. Larger requests get a mapping each.</summary>
    public const long MaxRegionSize = (long)RegionClasses.MaxSize;

    private static ulong s_serials;
    private static BitTreeAllocator? s_shared;

    /// <summary><see cref="SizeClassTable.ClassByWords"/>, which is image data and stays where it is. Read through the allocator, so that the hit path's look at it is its null check too.</summary>
    private readonly byte* _classByWords = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(SizeClassTable.ClassByWords));

    private readonly ulong _serial;
    private readonly int _minimumAlignment;
    private readonly bool _checked;
    private Engine _engine;
    private Heap* _heap;
    private VisitorGate _gate;
    private bool _disabled;

    /// <summary>An allocator with the default options.</summary>
    /// <exception cref="AllocatorOutOfMemoryException">The system has no addresses or pages for it.</exception>
    public BitTreeAllocator()
        : this(new BitTreeAllocatorOptions())
    {
    }

    /// <summary>An allocator with the given options.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message names the value, the limit and what to do.</exception>
    /// <exception cref="PlatformNotSupportedException">16-byte compare-exchange was asked for and cannot be had, or the system is unknown.</exception>
    /// <exception cref="AllocatorOutOfMemoryException">The system has no addresses or pages for it.</exception>
    public BitTreeAllocator(BitTreeAllocatorOptions options)
        : this(options, Engine.Of<HardwareAtomics, ShippedGeometry>())
    {
    }

    internal BitTreeAllocator(BitTreeAllocatorOptions options, Engine engine)
    {
        ArgumentNullException.ThrowIfNull(options);
        var plan = options.ToPlan();
        BitTreeAllocatorOptions.CheckInterval(options.TickInterval);
        _engine = engine;
        _minimumAlignment = plan.MinimumAlignment;
        _profile = options.Profile;
        _policy = options.EffectivePolicy;
        _clock = options.TimeProvider ?? TimeProvider.System;
        _tickInterval = Timeout.InfiniteTimeSpan;
        _checked = plan.Checked;
        CasWidth = plan.UseCas16 ? CasWidth.Sixteen : CasWidth.Eight;
        fixed (ulong* serials = &s_serials)
            _serial = HardwareAtomics.FetchAddAcqRel(serials, 1, Site.None) + 1; // order: unique is enough [H1]
        plan.Pool = CacheLife.Pool(plan.UseCas16);
        var outcome = engine.Create(plan, out _heap);
        if (outcome != Outcome.Ok)
        {
            var error = Errors.Of(outcome);
            throw new AllocatorOutOfMemoryException(error, 0, $"Cannot make an allocator: {error}. {Errors.TextOf(error)} It was tried down to 20 MiB of addresses; ReserveBytes in the options sets where the search starts.");
        }

        if (_checked)
            _marks = MarkView.Of(_heap);
        TickInterval = options.TickInterval;
    }

    /// <summary>The process-wide allocator, made at first use with the default options. It lives as long as the process.</summary>
    public static BitTreeAllocator Shared => SharedInstance.Value;

    /// <summary>Largest size in bytes that any call takes.</summary>
    public static nuint MaxSize => (nuint)1 << 46;

    /// <summary>Largest alignment in bytes that any call takes: 1 GiB.</summary>
    public static nuint MaxAlignment => 1u << 30;

    /// <summary>The form of the recycler's head in force: never <see cref="CasWidth.Auto"/>.</summary>
    public CasWidth CasWidth { get; }

    /// <summary>How much is checked: never <see cref="Level.Auto"/>.</summary>
    public Level Level => _checked ? Level.Checked : Level.Fast;

    /// <summary>
    /// Switched off, an allocator takes nothing more from blocks or from the system: Try-forms fail at once with <see cref="AllocError.Disabled"/>, the other forms when the cache they are given
    /// runs empty (the hit path is not slowed down to look). Frees work as ever.
    /// </summary>
    public bool Enabled
    {
        get => !_disabled;
        set => _disabled = !value;
    }

    /// <summary>A new cache for one thread at a time. <c>default(ThreadCache)</c> does the same at its first call.</summary>
    /// <exception cref="AllocatorOutOfMemoryException">No room for another record.</exception>
    public ThreadCache CreateCache()
    {
        ThreadCache cache = default;
        var error = TryBind(ref cache);
        return error == AllocError.None ? cache : throw Failure(error, CacheRecord.Stride);
    }

    /// <summary>A snapshot of the figures. Cost grows with the number of blocks (a millisecond per gigabyte); no system call.</summary>
    /// <remarks>May run while another thread disposes of the allocator: then it throws <see cref="ObjectDisposedException"/>.</remarks>
    public AllocatorStatistics GetStatistics()
    {
        if (!TryVisit(out var heap))
            throw Errors.Disposed();
        try
        {
            return Snapshot(heap);
        }
        finally
        {
            EndVisit();
        }
    }

    /// <summary>
    /// Gives every byte back to the system. What the system refuses to take back (at its limit of mappings) is tried again once the rest is gone, and only then left reserved. No Alloc, Free or Trim may be running, and none may follow; caches should be disposed of before (one that is not keeps its
    /// record of 4 KiB, and its next call throws <see cref="ObjectDisposedException"/>). Twice is harmless.
    /// </summary>
    /// <exception cref="InvalidOperationException">The allocator is <see cref="Shared"/>.</exception>
    public void Dispose()
    {
        if (ReferenceEquals(this, s_shared))
            throw new InvalidOperationException("The shared allocator lives as long as the process; make an own BitTreeAllocator to dispose of.");
        _ticker?.Timer?.Dispose();
        if (!_gate.Close())
            return;
        _ticker?.Timer?.Dispose(); // One that was started meanwhile.
        var heap = _heap;
        _heap = null;
        _marks = default;
        if (heap != null)
            _engine.Destroy(heap);
        _gate.MarkClosed();
    }

    internal ulong Serial => _serial;

    /// <summary>Whether Dispose has come to its end.</summary>
    internal bool IsGone => _gate.IsClosed;

    /// <summary>Lets figures be read, ticks be made and dead threads' caches be given back while Dispose waits; false once it was called.</summary>
    internal bool TryVisit(out Heap* heap)
    {
        heap = null;
        if (!_gate.TryEnter())
            return false;
        heap = _heap;
        return true;
    }

    internal void EndVisit() => _gate.Leave();

    /// <summary>For who was not let in any more: until the last byte is back.</summary>
    internal void WaitUntilDisposed()
    {
        var spin = default(SpinWait);
        while (!_gate.IsClosed)
            spin.SpinOnce();
    }

    private Heap* LiveHeap => _heap != null ? _heap : throw Errors.Disposed();

    private AllocatorStatistics Snapshot(Heap* heap)
    {
        var classes = stackalloc ClassFigures[SizeClasses.Count];
        Unsafe.InitBlock(classes, 0, (uint)(sizeof(ClassFigures) * SizeClasses.Count));
        _engine.Figures(heap, classes, out var totals);
        var list = new ClassStatistics[SizeClasses.Last];
        ulong live = totals.DirectBytes + totals.RegionBytes, cached = 0;
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var figures = classes[sizeClass];
            var size = heap->Classes[sizeClass].SlotSize;
            list[sizeClass - 1] = new ClassStatistics(size, figures.Blocks, figures.Out - figures.Cached, figures.Cached);
            live += (ulong)((figures.Out - figures.Cached) * size);
            cached += (ulong)(figures.Cached * size);
        }

        return new AllocatorStatistics
        {
            ReservedBytes = (nuint)totals.ReservedBytes,
            CommittedBytes = (nuint)totals.CommittedBytes,
            TouchedBytes = (nuint)totals.TouchedBytes,
            LiveBytes = (nuint)live,
            CachedBytes = (nuint)cached,
            RegionBytes = (nuint)totals.RegionBytes,
            RegionCount = (long)totals.RegionCount,
            FreeRegionBytes = (nuint)(totals.RegionTouchedBytes - Math.Min(totals.RegionBytes, totals.RegionTouchedBytes)),
            DirectBytes = (nuint)totals.DirectBytes,
            DirectCount = (long)totals.DirectCount,
            LazilyFreedBytes = (nuint)totals.LazyBytes,
            HugePoolBytes = (nuint)totals.HugePoolBytes,
            GiantPageBytes = (nuint)totals.HugePool30Bytes,
            HugePoolRefusals = (long)totals.HugePoolRefusals,
            MovedBytes = (nuint)totals.MovedBytes,
            SealBrokenCalls = (long)totals.SealBroken,
            PurgedBytes = (nuint)totals.PurgedBytes,
            OsCalls = (long)totals.OsCalls,
            MetadataBytes = (nuint)totals.MetadataBytes,
            ChargedBytes = (nuint)totals.ChargedBytes,
            SoftLimitBytes = (nuint)totals.SoftLimitBytes,
            HardLimitBytes = (nuint)totals.HardLimitBytes,
            CacheCount = totals.Caches,
            SharedOperations = (long)totals.SharedOperations,
            Refills = (long)totals.Refills,
            Flushes = (long)totals.Flushes,
            Classes = list,
        };
    }

    private static class SharedInstance
    {
        public static readonly BitTreeAllocator Value = s_shared = new BitTreeAllocator();
    }
}

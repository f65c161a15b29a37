// Owns: a book of reservations and pages over real memory of the system, a log, a list of violations, the faults to inject.
// Invariants: every field changes under the gate; the book changes only after the system said Ok.
// Callers: tests, a user's too, through Table; the core sees function pointers and a context as from any system.
// Checked by: tests/unit/Os.
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>A test double of the operating system: real memory behind a bounded capacity, calls that fail when told to, and a book that finds every breach of the contract.</summary>
/// <remarks>
/// <para>Give <see cref="Table"/> to an allocator's options, dispose the allocator first and this afterwards. Any thread may call any member.</para>
/// <para>Capacity counts pages from Commit to Purge or Release. A page that is touched again after a Purge is not seen and not counted until it is committed again:
/// what is bounded are grants, not residency. Residency is counted as far as a test tells it by <see cref="Touch"/>.</para>
/// </remarks>
/// <example><code>
/// using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 64 &lt;&lt; 20 });
/// using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
/// os.FailAt(VmVerb.Commit, 3); // the third Commit from now is refused
/// </code></example>
public sealed unsafe partial class SimulatedVirtualMemory : IDisposable
{
    private const int ViolationLimit = 1000;

    // A lock is right here and nowhere else in this part: one book, exact counts, and calls that take microseconds in the system anyway.
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly SimulatedVirtualMemoryOptions _options;
    private readonly VmTable _system = SystemVirtualMemory.Table;
    private readonly SimulatedPages _pages;
    private readonly SimulatedResidency _residency;
    private readonly SimulatedPool[] _pools;
    private readonly SimulatedFaults _faults = new();
    private readonly long[] _calls = new long[Enum.GetValues<VmVerb>().Length];
    private readonly Queue<VmCall> _log = new();
    private readonly List<string> _violations = [];
    private GCHandle _self;
    private ulong _capacity;
    private ulong _peakBacked;
    private ulong _peakResident;

    /// <summary>Makes a system of its own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A page size that is no power of two or below the system's, no node, a negative log limit, or a negative number of huge pages.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no implementation for the real system underneath.</exception>
    public SimulatedVirtualMemory(SimulatedVirtualMemoryOptions? options = null)
    {
        _options = options ?? new SimulatedVirtualMemoryOptions();
        PageBytes = _options.PageBytes == 0 ? _system.PageSize() : (nuint)_options.PageBytes;
        if (_options.PageBytes < 0 || (PageBytes & (PageBytes - 1)) != 0 || PageBytes < _system.PageSize())
            throw new ArgumentOutOfRangeException(nameof(options), _options.PageBytes, $"PageBytes must be a power of two and at least {_system.PageSize()}, or 0");
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Nodes, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(_options.LogLimit);
        _capacity = _options.CapacityBytes;
        ArgumentOutOfRangeException.ThrowIfNegative(_options.HugePages2MiB ?? 0);
        ArgumentOutOfRangeException.ThrowIfNegative(_options.HugePages1GiB ?? 0);
        _pages = new SimulatedPages(PageBytes);
        _residency = new SimulatedResidency(PageBytes, _options.TransparentHugePages);
        _pools = [new SimulatedPool(21, _options.HugePages2MiB), new SimulatedPool(30, _options.HugePages1GiB)];
        _self = GCHandle.Alloc(this);
        Table = VmTable.Of<SimulatedEntries>((void*)GCHandle.ToIntPtr(_self));
    }

    /// <summary>The four verbs of this system. Not to be used after <see cref="Dispose"/>.</summary>
    public VmTable Table { get; }

    /// <summary>Bytes reserved now.</summary>
    public ulong ReservedBytes => Read(() => _pages.ReservedBytes);

    /// <summary>Bytes committed now, purged ones included.</summary>
    public ulong CommittedBytes => Read(() => _pages.CommittedBytes);

    /// <summary>Bytes that count towards the capacity now.</summary>
    public ulong BackedBytes => Read(CountedBytes);

    /// <summary>The most that <see cref="BackedBytes"/> ever was.</summary>
    public ulong PeakBackedBytes => Read(() => _peakBacked);

    /// <summary>Bytes that may be backed at once. Below what is backed now, nothing is taken away: the next Commit of a new page is refused.</summary>
    public ulong CapacityBytes
    {
        get => Read(() => _capacity);
        set => Read(() => _capacity = value);
    }

    /// <summary>Calls of all verbs, failed ones included.</summary>
    public long TotalCalls => Read(() => _calls.Sum());

    /// <summary>Calls that failed because <see cref="FailAt"/> or <see cref="FailEvery"/> said so.</summary>
    public long FaultsInjected => Read(() => _faults.Injected);

    /// <summary>The latest calls, oldest first, at most <see cref="SimulatedVirtualMemoryOptions.LogLimit"/> of them. A copy.</summary>
    public IReadOnlyList<VmCall> Log => Read(_log.ToArray);

    /// <summary>Breaches of the contract by the caller, each as a sentence; the first 1 000. Such a call answers <see cref="VmStatus.Invalid"/> and changes nothing. A copy.</summary>
    public IReadOnlyList<string> Violations => Read(_violations.ToArray);

    internal nuint PageBytes { get; }

    internal int Nodes => _options.Nodes;

    /// <summary>Calls of one verb, failed ones included.</summary>
    public long Calls(VmVerb verb) => Read(() => _calls[(int)verb]);

    /// <summary>Makes one call fail: the <paramref name="k"/>-th (from 1) of a verb, or of any where <paramref name="verb"/> is null, counted from now.</summary>
    /// <param name="verb">The verb, or null for any.</param>
    /// <param name="k">Which one, from 1.</param>
    /// <param name="status">The answer; null takes the verb's usual refusal. A Purge that is told <see cref="VmStatus.CommitRefused"/> decommits its range, as the contract has it.</param>
    public void FailAt(VmVerb? verb, long k, VmStatus? status = null) => AddFault(verb, k, repeat: false, status);

    /// <summary>Makes every <paramref name="n"/>-th call of a verb (null: of any) fail, counted from now, until <see cref="ClearFaults"/>.</summary>
    /// <param name="verb">The verb, or null for any.</param>
    /// <param name="n">The period; 1 fails each call.</param>
    /// <param name="status">The answer; null takes the verb's usual refusal.</param>
    public void FailEvery(VmVerb? verb, long n, VmStatus? status = null) => AddFault(verb, n, repeat: true, status);

    /// <summary>Forgets every fault that was asked for.</summary>
    public void ClearFaults() => Read(() =>
    {
        _faults.Clear();
        return 0;
    });

    /// <summary>Zeroes the call counters and the peaks and empties the log; violations, faults and memory stay.</summary>
    public void ResetCounters() => Read(() =>
    {
        Array.Clear(_calls);
        _log.Clear();
        _peakBacked = CountedBytes();
        _peakResident = CountResident();
        return 0;
    });

    /// <summary>Gives back to the real system what is still reserved (read <see cref="ReservedBytes"/> before, to find a leak) and ends the table's life.</summary>
    public void Dispose()
    {
        _gate.Wait();
        try
        {
            foreach (var reservation in _pages.Reservations.ToArray())
            {
                _ = _system.Release((void*)reservation.Start, reservation.Bytes);
                _pages.Remove(reservation);
            }

            if (_self.IsAllocated)
                _self.Free();
        }
        finally
        {
            _gate.Release();
        }
    }

    private void AddFault(VmVerb? verb, long k, bool repeat, VmStatus? status)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        if (status is VmStatus.Ok)
            throw new ArgumentOutOfRangeException(nameof(status), status, "a fault is not Ok");
        Read(() =>
        {
            _faults.Add(verb, k, repeat, status);
            return 0;
        });
    }

    private ulong CountedBytes() => _options.PurgeFreesCapacity ? _pages.BackedBytes : _pages.CommittedBytes;

    private T Read<T>(Func<T> action)
    {
        _gate.Wait();
        try
        {
            return action();
        }
        finally
        {
            _gate.Release();
        }
    }
}

using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Property.Soak;

/// <summary>One allocator of the soak: on the real system for the whole run, or on a simulated one that refuses now and then and is made anew after a number of cycles.</summary>
internal sealed class SoakStage : IDisposable
{
    private const int Boxes = 128;
    private const ulong LeastCapacity = 4 << 20;
    private const ulong MostCapacity = 96 << 20;

    // A release that fails leaves a mapping behind until the allocator ends; the kernel has 65 530 of them.
    private const int MostReleaseFaults = 500;
    private const int CyclesOfSimulated = 64;

    private readonly SoakPlan _plan;
    private readonly BitTreeAllocatorOptions _options;
    private readonly List<SoakSample> _samples = [];
    private BitTreeAllocator? _allocator;
    private SimulatedVirtualMemory? _system;
    private long _faultsBefore;
    private int _cycles;
    private int _lives;
    private int _releaseFaults;

    public SoakStage(SoakPlan plan, int index, bool simulated, CasWidth casWidth, Profile profile)
    {
        (_plan, Index, IsSimulated) = (plan, index, simulated);
        _options = new BitTreeAllocatorOptions { CasWidth = casWidth, Profile = profile };
        Name = $"{(simulated ? "simulated" : "real")} {casWidth} {profile}";
        Calls = null!;
        Open();
    }

    public int Index { get; }

    public string Name { get; }

    public bool IsSimulated { get; }

    /// <summary>Whether a request may be refused for want of memory.</summary>
    public bool MayRefuse => IsSimulated;

    public BitTreeAllocator Allocator => _allocator!;

    public SoakCalls Calls { get; private set; }

    /// <summary>Blocks on their way between threads.</summary>
    public SoakBlock?[] Exchange { get; } = new SoakBlock?[Boxes];

    /// <summary>Caches on their way between threads.</summary>
    public SoakCache?[] Caches { get; } = new SoakCache?[2];

    public IReadOnlyList<SoakSample> Samples => _samples;

    public long Faults => _faultsBefore + (_system?.FaultsInjected ?? 0);

    /// <summary>Asks for a failure or for another limit of memory.</summary>
    public void Disturb(Random random)
    {
        if (_system is null)
            return;
        switch (random.Next(6))
        {
            case 0:
                _system.CapacityBytes = LeastCapacity + (ulong)random.NextInt64((long)(MostCapacity - LeastCapacity));
                break;
            case 1:
                _system.FailAt(VmVerb.Reserve, random.Next(1, 6), random.Next(2) == 0 ? null : VmStatus.TooManyMappings);
                break;
            case 2:
                _system.FailAt(VmVerb.Commit, random.Next(1, 6), random.Next(2) == 0 ? null : VmStatus.TooManyMappings);
                break;
            case 3:
                _system.FailAt(VmVerb.Purge, random.Next(1, 12), random.Next(2) == 0 ? null : VmStatus.CommitRefused);
                break;
            case 4 when _releaseFaults < MostReleaseFaults:
                _releaseFaults++;
                _system.FailAt(VmVerb.Release, random.Next(1, 6));
                break;
            default:
                _system.FailAt(null, random.Next(1, 40));
                break;
        }
    }

    /// <summary>The system is well again.</summary>
    public void Calm()
    {
        _system?.ClearFaults();
        if (_system is not null)
            _system.CapacityBytes = ulong.MaxValue;
    }

    /// <summary>At the same phase of each cycle: nothing live, nothing cached, trimmed.</summary>
    public void Sample(int cycle)
    {
        var figures = Allocator.GetStatistics();
        if (figures.LiveBytes != 0 || figures.DirectCount != 0)
            throw new SoakFailure($"{Name}: {figures.LiveBytes} bytes and {figures.DirectCount} mappings are live although everything was freed");
        if (figures.CachedBytes != 0)
            throw new SoakFailure($"{Name}: {figures.CachedBytes} bytes are cached although every cache was flushed");
        if (_system is { Violations: [var first, ..] })
            throw new SoakFailure($"{Name}: a call breaks the contract of the system: {first}");
        _samples.Add(new SoakSample(cycle, _lives, figures.CommittedBytes, figures.TouchedBytes, figures.ReservedBytes, figures.CacheCount));
    }

    /// <summary>Before the end of its first cycle.</summary>
    public bool IsNew => _cycles == 0;

    /// <summary>After this cycle the simulated system is made anew: every cache has to be disposed of.</summary>
    public bool IsDue => IsSimulated && _cycles + 1 >= CyclesOfSimulated;

    /// <summary>While all threads pause. What a simulated system still holds after its allocator ended is a leak.</summary>
    public void EndCycle()
    {
        var isDue = IsDue;
        _cycles++;
        if (!isDue)
            return;
        Dispose();
        Open();
    }

    public void Dispose()
    {
        _allocator?.Dispose();
        _allocator = null;
        if (_system is null)
            return;
        var left = _system.ReservedBytes;
        _faultsBefore += _system.FaultsInjected;
        _system.Dispose();
        _system = null;
        if (left != 0)
            throw new SoakFailure($"{Name}: {left} bytes are still reserved after Dispose");
    }

    private void Open()
    {
        (_cycles, _releaseFaults) = (0, 0);
        _lives++;
        _system = IsSimulated ? new SimulatedVirtualMemory() : null;
        _allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = _options.CasWidth, Profile = _options.Profile, VirtualMemory = _system?.Table });
        Calls = _plan.Calls(_allocator);
    }
}

/// <summary>A cache that moves between threads.</summary>
internal sealed class SoakCache
{
    public ThreadCache Cache;
}

/// <summary>The figures of one allocator at the end of one cycle. A life is the time of one allocator: a stage on a simulated system has several.</summary>
internal readonly record struct SoakSample(int Cycle, int Life, nuint Committed, nuint Touched, nuint Reserved, int Caches);

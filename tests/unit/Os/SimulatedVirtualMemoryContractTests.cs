using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>The contract over the simulated system with nothing bounded.</summary>
public sealed class SimulatedVirtualMemoryContractTests : VirtualMemoryContract, IDisposable
{
    private readonly SimulatedVirtualMemory _simulated = new();

    internal override VmTable Os => _simulated.Table;

    public void Dispose()
    {
        Assert.Equal(0ul, _simulated.ReservedBytes);
        Assert.Equal(0ul, _simulated.CommittedBytes);
        _simulated.Dispose();
    }
}

/// <summary>The contract over the simulated system with 64 KiB pages.</summary>
public sealed class SimulatedLargePagesContractTests : VirtualMemoryContract, IDisposable
{
    private readonly SimulatedVirtualMemory _simulated = new(new() { PageBytes = 64 << 10, PurgeFreesCapacity = false, LogLimit = 10 });

    internal override VmTable Os => _simulated.Table;

    public void Dispose()
    {
        Assert.Equal(0ul, _simulated.ReservedBytes);
        _simulated.Dispose();
    }
}

/// <summary>The contract over the simulated system with pools of huge pages, where a lazy purge takes pages at once.</summary>
public sealed class SimulatedPoolsContractTests : VirtualMemoryContract, IDisposable
{
    private readonly SimulatedVirtualMemory _simulated = new(new() { HugePages2MiB = 8, HugePages1GiB = 1, LazyPurgeTakesAtOnce = true, TransparentHugePages = TransparentHugePageMode.Always });

    internal override VmTable Os => _simulated.Table;

    public void Dispose()
    {
        Assert.Equal((0ul, 0ul, 8ul, 1ul), (_simulated.ReservedBytes, _simulated.CommittedBytes, _simulated.FreeHugePages(21), _simulated.FreeHugePages(30)));
        _simulated.Dispose();
    }
}

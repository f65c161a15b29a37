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

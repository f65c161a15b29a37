using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>Where 5 % of the requests lie between 64 and 512 KiB, calls to the system grow with the logarithm of the events, not with the events; purges on demand included.</summary>
public sealed unsafe class CallsOfGrowingTraces(ITestOutputHelper output)
{
    /// <summary>Calls to the system of a trace, most of them purges of small pages while the heap grows to its size: at most this, and <see cref="PerDoubling"/> for each doubling of its events.</summary>
    private const double Base = 130;

    private const double PerDoubling = 6;

    private const int LiveSlots = 1000;

    [Theory]
    [InlineData(Profile.Balanced, PurgeMode.Off)]
    [InlineData(Profile.LargeBuffers, PurgeMode.OnDemand)]
    [InlineData(Profile.LowLatency, PurgeMode.OnDemand)]
    [InlineData(Profile.Balanced, PurgeMode.OnDemand)]
    public void Calls_to_the_system_grow_with_the_logarithm_of_the_events(Profile profile, PurgeMode purging) => Seeded.Run(1, random =>
    {
        var seed = random.Next();
        var points = new List<(double Doublings, double Calls)>();
        foreach (var events in new[] { 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000 })
        {
            var (calls, purges) = Run(events, seed, profile, purging, mappingEach: false);
            points.Add((Math.Log2(events), calls + purges));
            Assert.InRange(purges, 0, purging == PurgeMode.Off ? 0 : int.MaxValue);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{profile}, {purging}, {events} events: {calls} calls and {purges} purges, the bound is {Bound(events):F0}"));
        }

        var (a, b) = Fit(points);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{profile}, {purging}, fitted: {a:F1} + {b:F2} * log2(events)"));
        Assert.All(points, point => Assert.True(point.Calls <= Base + (PerDoubling * point.Doublings), $"{point.Calls} calls at 2^{point.Doublings:F1} events"));
    });

    [Fact]
    public void Control_a_mapping_for_each_of_those_requests_exceeds_the_bound()
    {
        foreach (var events in new[] { 10_000, 100_000 })
        {
            var (calls, _) = Run(events, 1, Profile.Balanced, PurgeMode.OnDemand, mappingEach: true);
            output.WriteLine($"{events} events: {calls} calls with a mapping each");
            Assert.True(calls > Bound(events), $"{calls} calls");
        }
    }

    private static double Bound(int events) => Base + (PerDoubling * Math.Log2(events));

    /// <summary>Least squares.</summary>
    private static (double A, double B) Fit(List<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        var b = points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
        return (y - (b * x), b);
    }

    /// <summary>Replaces random ones of a thousand live slots; sizes are drawn by their logarithm. The first and last words of each carry its address. Returns the calls beyond those of an empty heap, purges apart.</summary>
    private static (long Calls, long Purges) Run(int events, int seed, Profile profile, PurgeMode purging, bool mappingEach)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = profile, Purging = purging });
        os.ResetCounters();
        var random = new Random(seed);
        var slots = new (nuint Address, ulong Size)[LiveSlots];
        for (var i = 0; i < events; i++)
        {
            ref var slot = ref slots[random.Next(LiveSlots)];
            Free(live, slot, mappingEach);
            var isMedium = random.Next(20) == 0;
            var size = isMedium ? (ulong)Math.Pow(2, 16 + (3 * random.NextDouble())) + 1 : (ulong)Math.Pow(2, 3 + (9 * random.NextDouble()));
            var address = isMedium && mappingEach
                ? (nuint)DirectMappings<HardwareAtomics>.Alloc(live.Heap, size, 1, out _)
                : (nuint)live.Allocator.Alloc(ref live.Cache, (nuint)size);
            slot = (address, size);
            *(nuint*)address = address;
            *(nuint*)(address + (nuint)((size - 8) & ~7ul)) = address;
        }

        var purges = os.Calls(VmVerb.Purge);
        var calls = os.TotalCalls - purges;
        foreach (var slot in slots)
            Free(live, slot, mappingEach);
        return (calls, purges);
    }

    private static void Free(LiveSet live, (nuint Address, ulong Size) slot, bool mappingEach)
    {
        if (slot.Address == 0)
            return;
        if (*(nuint*)slot.Address != slot.Address || *(nuint*)(slot.Address + (nuint)((slot.Size - 8) & ~7ul)) != slot.Address)
            Assert.Fail($"{slot.Size} bytes at 0x{slot.Address:x} do not read as they were written");
        if (mappingEach && slot.Size > BitTreeAllocator.MaxSmallSize)
            Assert.Equal(Outcome.Ok, DirectMappings<HardwareAtomics>.Free(live.Heap, slot.Address));
        else
            live.Allocator.Free(ref live.Cache, (void*)slot.Address, (nuint)slot.Size);
    }
}

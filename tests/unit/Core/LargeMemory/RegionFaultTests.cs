using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>Whichever call to the system is refused on the way of a region or a mapping: figures as before, nothing lost, every address known, and the same request served afterwards.</summary>
public sealed unsafe class RegionFaultTests
{
    private const int MiB = 1 << 20;

    private static readonly (string Name, ulong First, Action<World> Act)[] s_operations =
    [
        ("the first region", 0, world => world.Alloc(3 * MiB)),
        ("a region of another class", 3 * MiB, world => world.Alloc(33 * MiB)),
        ("a zeroed region", 3 * MiB, world => world.Alloc(40 * MiB, zeroed: true)),
        ("an aligned region", 3 * MiB, world => world.Alloc(3 * MiB, alignment: 1 << 30)),
        ("longer where it is", 33 * MiB, world => world.Realloc(39 * MiB)),
        ("moved", 3 * MiB, world => world.Realloc(70 * MiB)),
        ("shorter, and its tail purged", 33 * MiB, world =>
        {
            world.Realloc(3 * MiB);
            world.Live.Allocator.Trim();
        }),
        ("freed", 33 * MiB, world => world.FreeOne()),
        ("freed, two, with eager return", 33 * MiB, world =>
        {
            world.Live.Heap->Policy.EagerReturn = 1;
            world.FreeOne();
            if (world.Held.Count > 0)
                world.FreeOne();
        }),
        ("trimmed", 33 * MiB, world =>
        {
            world.FreeOne();
            world.Live.Allocator.Trim();
        }),
        ("purged and used again", 5 * MiB, world =>
        {
            world.FreeOne();
            world.Live.Allocator.Trim();
            world.Alloc(5 * MiB, zeroed: true);
        }),
        ("a mapping", 3 * MiB, world => world.Alloc(65ul << 30)),
        ("a mapping freed", 65ul << 30, world => world.FreeOne()),
    ];

    public static TheoryData<string, VmVerb?, VmStatus?, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, VmVerb?, VmStatus?, bool>();
            foreach (var (name, _, _) in s_operations)
            {
                cases.Add(name, null, null, false);
                cases.Add(name, VmVerb.Commit, VmStatus.TooManyMappings, false);
                foreach (var verb in new[] { VmVerb.Reserve, VmVerb.Commit, VmVerb.Purge, VmVerb.Release })
                    cases.Add(name, verb, null, true);
                if (name.Contains("trim", StringComparison.Ordinal) || name.Contains("purge", StringComparison.Ordinal) || name.Contains("eager", StringComparison.Ordinal))
                    cases.Add(name, VmVerb.Purge, VmStatus.CommitRefused, false); // given back, and not committed any more
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_refusal_at_the_k_th_call_or_from_it_on_changes_no_figure_and_loses_nothing(string name, VmVerb? verb, VmStatus? status, bool persists)
    {
        var (_, first, act) = s_operations.Single(one => one.Name == name);
        var (k, refused) = (1, 0L);
        for (; ; k++)
        {
            using var os = new SimulatedVirtualMemory();
            long injected;
            using (var world = new World(os, first))
            {
                var before = world.Live.Figures;
                for (var more = 0; more < (persists ? 200 : 1); more++)
                    os.FailAt(verb, k + more, status);
                var isServed = world.Try(act);
                injected = os.FaultsInjected;
                os.ClearFaults();
                world.Check();
                if (!isServed)
                {
                    refused++;
                    var after = world.Live.Figures;
                    Assert.Equal((before.LiveBytes, before.RegionCount, before.RegionBytes, before.DirectCount), (after.LiveBytes, after.RegionCount, after.RegionBytes, after.DirectCount));
                    Assert.True(world.Try(act), $"call {k} was refused once, and the request is refused for good");
                    world.Check();
                }

                world.FreeAll();
            }

            Assert.Equal(0ul, os.ReservedBytes);
            Assert.Empty(os.Violations);
            if (injected == 0)
                break;
        }

        // The ladder meets one refusal, and asks once more; a system that goes on refusing is told to who asked. Frees and trims never tell the user.
        Assert.InRange(k, 1, 60);
        var asks = !name.Contains("freed", StringComparison.Ordinal) && name is not ("trimmed" or "shorter, and its tail purged" or "purged and used again");
        if (persists && verb == VmVerb.Commit)
            Assert.Equal(asks, refused > 0);
    }

    [Fact]
    public void Control_a_refusal_is_met_by_every_operation_that_calls_the_system()
    {
        foreach (var (name, first, act) in s_operations.Where(one => one.Name != "freed"))
        {
            using var os = new SimulatedVirtualMemory();
            using var world = new World(os, first);
            os.FailEvery(null, 1);
            _ = world.Try(act);
            Assert.True(os.FaultsInjected > 0, name); // what can be neither released nor purged stays charged: no FreeAll here
        }
    }

    [Fact]
    public void Fifty_refused_commits_take_no_more_addresses_than_one()
    {
        using var os = new SimulatedVirtualMemory();
        using var world = new World(os, 3 * MiB);
        os.FailEvery(VmVerb.Commit, 1);
        var reserved = 0ul;
        for (var i = 0; i < 50; i++)
        {
            Assert.False(world.Live.Allocator.TryAlloc(ref world.Live.Cache, 100 * MiB, out _, out var error));
            Assert.Equal(AllocError.CommitRefused, error);
            reserved = i == 0 ? os.ReservedBytes : reserved;
            Assert.Equal(reserved, os.ReservedBytes);
            Assert.Equal(reserved, (ulong)world.Live.Figures.ReservedBytes);
        }

        os.ClearFaults();
        world.Alloc(100 * MiB);
        Assert.Equal(reserved, os.ReservedBytes);
        world.Check();
        world.FreeAll();
    }

    /// <summary>A cache, and regions that are held with marks in them.</summary>
    private sealed class World : IDisposable
    {
        private readonly SimulatedVirtualMemory _os;
        private bool _hasGiant;

        public World(SimulatedVirtualMemory os, ulong first)
        {
            _os = os;
            Live = LiveSet.Over(os, purging: PurgeMode.Off, reserve: 16 * MiB);
            for (var i = 0; first != 0 && i < 2; i++)
                Alloc(first);
        }

        public LiveSet Live { get; }

        public List<(nuint Address, ulong Bytes)> Held { get; } = [];

        public void Alloc(ulong bytes, bool zeroed = false, nuint alignment = 1)
        {
            var p = (nuint)(zeroed ? Live.Allocator.AllocZeroed(ref Live.Cache, (nuint)bytes) : Live.Allocator.AllocAligned(ref Live.Cache, (nuint)bytes, alignment));
            _hasGiant |= bytes > 64ul << 30;
            if (zeroed)
                RegionProbe.CheckZero(p, bytes);
            RegionProbe.Mark(p, bytes, bytes);
            Held.Add((p, bytes));
        }

        public void Realloc(ulong bytes)
        {
            var (address, old) = Held[^1];
            var p = (nuint)Live.Allocator.Realloc(ref Live.Cache, (void*)address, (nuint)bytes);
            RegionProbe.Check(p, old, old, Math.Min(old, bytes));
            RegionProbe.Mark(p, bytes, bytes);
            Held[^1] = (p, bytes);
        }

        public void FreeOne()
        {
            var (address, bytes) = Held[^1];
            RegionProbe.Check(address, bytes, bytes);
            Held.RemoveAt(Held.Count - 1);
            Live.Allocator.Free(ref Live.Cache, (void*)address);
        }

        public bool Try(Action<World> act)
        {
            try
            {
                act(this);
                return true;
            }
            catch (AllocatorOutOfMemoryException)
            {
                return false;
            }
        }

        public void Check()
        {
            foreach (var (address, bytes) in Held)
                RegionProbe.Check(address, bytes, bytes);
            ChargeWalk.Check(Live.Heap);
            Assert.Equal(Held.Aggregate(0ul, (sum, one) => sum + Live.Allocator.UsableSize((void*)one.Address)), (ulong)Live.Figures.LiveBytes);
            if (!_hasGiant)
                Assert.Equal(_os.ReservedBytes, (ulong)Live.Figures.ReservedBytes); // a mapping that could not be released goes with the heap
        }

        public void FreeAll()
        {
            while (Held.Count > 0)
                FreeOne();
            Live.Allocator.Trim();
            Assert.Equal(((nuint)0, 0, 0), (Live.Figures.LiveBytes, Live.Figures.RegionCount, Live.Figures.DirectCount));
            ChargeWalk.Check(Live.Heap);
        }

        public void Dispose() => Live.Dispose();
    }
}

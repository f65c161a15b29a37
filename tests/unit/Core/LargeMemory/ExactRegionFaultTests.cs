using BitTreeAlloc.Os;
using static BitTreeAlloc.Tests.Unit.Core.LargeMemory.ExactWorld;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>The exact mode, whichever call to the system is refused: nothing lost, and the same request served afterwards.</summary>
public sealed unsafe class ExactRegionFaultTests
{
    private const ulong MiB = 1 << 20;
    private const ulong Chunk = 1 << 30;

    private static readonly (string Name, Action<ExactWorld> Act)[] s_operations =
    [
        ("taken", world => world.Take(33 * MiB, 1)),
        ("taken at an alignment that needs a second chunk", world => world.Take(3 * MiB, Chunk)),
        ("longer where it is", world => world.Realloc(world.Held.Count - 1, 60 * MiB)),
        ("moved", world => world.Realloc(0, 60 * MiB)),
        ("shorter", world => world.Realloc(0, 3 * MiB)),
        ("freed", world => world.Free(0)),
        ("freed and taken again", world =>
        {
            world.Free(0);
            world.Take(33 * MiB, 1, isFresh: false); // its own again, where the purge was refused
        }),
    ];

    public static TheoryData<string, VmVerb?> Operations
    {
        get
        {
            var data = new TheoryData<string, VmVerb?>();
            foreach (var (name, _) in s_operations)
            {
                foreach (var verb in new VmVerb?[] { null, VmVerb.Reserve, VmVerb.Commit, VmVerb.Purge, VmVerb.MovePages })
                    data.Add(name, verb);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void A_refusal_at_the_k_th_call_loses_nothing(string name, VmVerb? verb)
    {
        for (var k = 1; ; k++)
        {
            using var os = new SimulatedVirtualMemory();
            long injected;
            using (var world = new ExactWorld(os, Level.Fast))
            {
                world.Take(33 * MiB, 1);
                world.Take(33 * MiB, 1);
                os.FailAt(verb, k);
                os.FailAt(verb, k + 1);
                var act = s_operations.Single(one => one.Name == name).Act;
                var isServed = world.Try(act);
                injected = os.FaultsInjected;
                os.ClearFaults();
                world.Live.Allocator.Trim(); // what could not be purged
                world.Check(isExact: false);
                if (!isServed)
                    Assert.True(world.Try(act), $"call {k} was refused, and the request is refused for good");
                while (world.Held.Count > 0)
                    world.Free(0);
                world.Live.Allocator.Trim();
                world.Check();
                Assert.All(Chunks(world.Live.Heap), chunk => Assert.Equal(0ul, Taken(chunk)));
            }

            Assert.Equal(0ul, os.ReservedBytes);
            Assert.Empty(os.Violations);
            if (injected == 0)
                break;
        }
    }
}

using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>
/// One operation interrupted before each of its accesses to shared words: by a whole operation of another cache, or for ever. Known holes 1 (a commit racing a trim takes a block
/// that was purged meanwhile) and 2 (a popper stopped mid-way hangs everybody) are among the points.
/// </summary>
public sealed unsafe class InterruptionTests
{
    private static readonly bool s_all = Environment.GetEnvironmentVariable("BITTREE_PROGRESS_ALL") == "1";

    public static TheoryData<string, string, CasWidth> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, string, CasWidth>();
            foreach (var first in new[] { "alloc", "free", "zeroed", "trim", "fresh" })
            {
                foreach (var second in new[] { "alloc", "free", "zeroed", "trim" })
                {
                    pairs.Add(first, second, CasWidth.Eight);
                    if (CasStub.IsSupported)
                        pairs.Add(first, second, CasWidth.Sixteen);
                }
            }

            return pairs;
        }
    }

    public static TheoryData<string, CasWidth> Operations
    {
        get
        {
            var data = new TheoryData<string, CasWidth>();
            foreach (var operation in new[] { "alloc", "free", "zeroed", "trim", "fresh" })
            {
                data.Add(operation, CasWidth.Eight);
                if (CasStub.IsSupported)
                    data.Add(operation, CasWidth.Sixteen);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void An_operation_survives_another_one_at_each_of_its_points(string first, string second, CasWidth width) =>
        Interrupt(first, second, width, Engine.Of<HookedAtomics, ShippedGeometry>());

    [Fact]
    public void A_sweeper_that_claims_blindly_is_caught() =>
        Assert.ThrowsAny<Exception>(() => Interrupt("trim", "alloc", CasWidth.Eight, Engine.Of<ForgetfulAtomics, ShippedGeometry>()));

    /// <summary>The first operation with the whole second one before its k-th access, for every k; contents, figures and an empty heap at the end.</summary>
    internal static void Interrupt(string first, string second, CasWidth width, Engine engine)
    {
        var points = 0;
        for (var k = 1; ; k++)
        {
            using var world = new World(width, engine);
            var accesses = 0;
            HookedAtomics.With(
                _ =>
                {
                    if (++accesses == k)
                        World.Do(world.Second, second);
                },
                () => World.Do(world.First, first));
            world.CheckAndDrain();
            points++;
            if (accesses < k)
                break;
        }

        Assert.InRange(points, 10, 20_000);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void A_thread_that_stops_anywhere_stops_nobody_and_strands_little(string operation, CasWidth width)
    {
        // The first accesses of each operation all, and one in seven of the others, which repeat the same sites; Progress/ProgressTests stops at each of the same and more.
        for (var k = 1; ; k += s_all || k < 50 ? 1 : 7)
        {
            using var world = new World(width, Engine.Of<HookedAtomics, ShippedGeometry>());
            var before = world.First.Live.ToArray();
            var stopped = HookedAtomics.StopAt(k, () => World.Do(world.First, operation));
            for (var round = 0; round < 3; round++)
            {
                World.Do(world.Second, "alloc");
                World.Do(world.Second, "zeroed");
                World.Do(world.Second, "fresh");
                World.Do(world.Second, "trim");
                World.Do(world.Second, "free");
                world.Second.CheckAll();
            }

            // What the stopped thread's user holds stays as it was, and the survivor can take everything of its own home.
            if (operation != "free")
                foreach (var (address, size, seed) in before)
                    Assert.False(new Span<byte>((void*)address, size).ContainsAnyExcept(seed));
            world.Second.FreeAll();
            world.Second.Allocator.Trim(ref world.Second.Cache);
            var live = before.Sum(one => (long)one.Size);
            Assert.InRange((long)world.Second.Figures.LiveBytes, 0, live + (live / 4) + (64 << 10) + (80 << 10));
            Assert.Empty(world.Os.Violations);
            if (!stopped)
                break;
        }
    }

    /// <summary>An allocator with two caches that share partly used blocks, full recyclers and a purged block.</summary>
    private sealed class World : IDisposable
    {
        private const int Size = 4000;
        private readonly BitTreeAllocator _allocator;

        public World(CasWidth width, Engine engine)
        {
            Os = new SimulatedVirtualMemory();
            _allocator = new BitTreeAllocator(new() { VirtualMemory = Os.Table, CasWidth = width, ReserveBytes = 16 << 20 }, engine);
            First = new LiveSet(_allocator, owns: false);
            Second = new LiveSet(_allocator, owns: false);
            First.AllocMany(48, Size);
            Second.AllocMany(48, Size);
            First.FreeWhere(i => i is > 30 or < 8);
            _allocator.Trim(ref First.Cache);

            // Two passes: what lies in the recycler and what lies in the cache both come from every block.
            Second.FreeWhere(i => i % 3 == 0);
            Second.FreeWhere(i => i % 4 == 0);
        }

        public SimulatedVirtualMemory Os { get; }

        public LiveSet First { get; }

        public LiveSet Second { get; }

        public static void Do(LiveSet live, string operation)
        {
            switch (operation)
            {
                case "alloc": // more than is loaded: the rest was put aside, and the first operation may have taken it
                    live.AllocMany(20, Size);
                    break;
                case "free":
                    live.FreeWhere(i => i % 3 != 0);
                    break;
                case "zeroed":
                    for (var i = 0; i < 3; i++)
                    {
                        var address = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 5000);
                        Assert.False(new Span<byte>(address, 5000).ContainsAnyExcept((byte)0));
                        live.Adopt(address, 5000);
                    }

                    break;
                case "fresh":
                    live.AllocMany(5, 20_000);
                    break;
                default:
                    live.Allocator.Trim(ref live.Cache);
                    break;
            }
        }

        /// <summary>Contents hold, also across one more trim; and when all is free, nothing is left.</summary>
        public void CheckAndDrain()
        {
            First.CheckAll();
            Second.CheckAll();
            _allocator.Trim(ref First.Cache);
            First.CheckAll();
            Second.CheckAll();
            First.FreeAll();
            Second.FreeAll();
            Second.Cache.Park();
            _allocator.Trim(ref First.Cache);
            var figures = First.Figures;
            Assert.Equal((0, 0, 0), ((long)figures.LiveBytes, (long)figures.CachedBytes, (long)figures.TouchedBytes));
            Assert.Empty(Os.Violations);
        }

        public void Dispose()
        {
            _allocator.Dispose();
            Os.Dispose();
        }
    }
}

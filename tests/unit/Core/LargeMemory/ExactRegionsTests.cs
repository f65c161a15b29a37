using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;
using static BitTreeAlloc.Tests.Unit.Core.LargeMemory.ExactWorld;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>B3, the exact mode: a request has its pages and no others, for as long as it lives, and no address serves two.</summary>
public sealed unsafe class ExactRegionsTests(ITestOutputHelper output)
{
    private const ulong MiB = 1 << 20;
    private const ulong Unit = 2 * MiB;
    private const ulong Chunk = 1 << 30;

    [Theory]
    [InlineData(Level.Fast)]
    [InlineData(Level.Checked)]
    public void Random_runs_agree_with_an_interval_oracle_and_cost_exactly_their_pages(Level level) => Seeded.Run(3, random =>
    {
        using var os = new SimulatedVirtualMemory();
        using (var world = new ExactWorld(os, level))
        {
            for (var step = 0; step < 250; step++)
            {
                if (world.Held.Count == 0 || random.Next(100) < 45)
                    world.Alloc(random);
                else if (random.Next(100) < 40)
                    world.Realloc(random.Next(world.Held.Count), RandomSize(random));
                else
                    world.Free(random.Next(world.Held.Count));
                world.Check();
            }

            while (world.Held.Count > 0)
                world.Free(0);
            world.Check();
            Assert.Equal(0ul, os.ResidentBytes);
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    });

    [Fact]
    public void Four_threads_never_share_a_page_and_leave_none_behind() => Seeded.Run(1, random =>
    {
        using var os = new SimulatedVirtualMemory();
        using (var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table, ExactRegions = true }))
        {
            var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
            Threads.Run(4, thread =>
            {
                var own = new Random(seeds[thread]);
                using var live = new LiveSet(allocator, owns: false);
                var held = new List<(nuint Address, ulong Bytes)>();
                for (var step = 0; step < 400 || held.Count > 0; step++)
                {
                    var at = own.Next(held.Count + (step < 400 ? 4 : 0));
                    if (at >= held.Count)
                    {
                        var bytes = RandomSize(own) / 4 + Unit + 1;
                        var p = (nuint)allocator.Alloc(ref live.Cache, (nuint)bytes);
                        RegionProbe.CheckZero(p, bytes);
                        RegionProbe.Mark(p, bytes, p);
                        held.Add((p, bytes));
                        continue;
                    }

                    var (address, old) = held[at];
                    RegionProbe.Check(address, old, address);
                    if (own.Next(3) == 0)
                    {
                        var bytes = RandomSize(own) / 4 + Unit + 1;
                        var p = (nuint)allocator.Realloc(ref live.Cache, (void*)address, (nuint)bytes);
                        RegionProbe.Check(p, old, address, Math.Min(old, bytes) & ~7ul);
                        RegionProbe.Mark(p, bytes, p);
                        held[at] = (p, bytes);
                        continue;
                    }

                    held.RemoveAt(at);
                    allocator.Free(ref live.Cache, (void*)address, (nuint)old);
                }
            });
            using var after = new LiveSet(allocator, owns: false);
            ChargeWalk.Check(after.Heap);
            Assert.Equal(((nuint)0, 0, after.Figures.MetadataBytes), (after.Figures.RegionBytes, after.Figures.RegionCount, (nuint)after.Figures.ChargedBytes));
            Assert.All(Chunks(after.Heap), chunk => Assert.Equal(0ul, Taken(chunk)));
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    });

    [Fact]
    public void A_full_chunk_goes_on_to_a_second_and_a_hole_in_the_first_is_found_again()
    {
        using var live = Live();
        var first = RegionProbe.Alloc(live, Chunk);
        var second = RegionProbe.Alloc(live, Unit);
        Assert.Equal(2, Chunks(live.Heap).Count);
        RegionProbe.Free(live, first);
        var held = Enumerable.Range(0, 512).Select(_ => RegionProbe.Alloc(live, Unit)).ToArray();
        Assert.Equal(2, Chunks(live.Heap).Count);
        Assert.Equal(512, held.Distinct().Count());
        Assert.All(held, one => Assert.InRange((ulong)one, (ulong)first, (ulong)first + Chunk - Unit));
        RegionProbe.Free(live, held[100]);
        Assert.Equal(held[100], RegionProbe.Alloc(live, Unit));

        // Every request at the largest alignment needs a chunk of its own; what is larger goes to the pools.
        Assert.Equal(0ul, (ulong)live.Allocator.AllocAligned(ref live.Cache, 4096, (nuint)Chunk) % Chunk);
        var pooled = RegionProbe.Alloc(live, Chunk + 1);
        Assert.Equal(3, Chunks(live.Heap).Count);
        Assert.Single(RegionProbe.Areas(live.Heap, RegionClasses.ClassOf(Chunk + 1)));
        RegionProbe.Free(live, pooled);
        RegionProbe.Free(live, second);
    }

    [Fact]
    public void Addresses_are_those_of_the_pages_where_a_pool_of_powers_of_two_takes_nearly_twice_as_many()
    {
        var carved = new[] { true, false }.Select(exact =>
        {
            using var live = new LiveSet(new() { ExactRegions = exact });
            for (var i = 0; i < 120; i++)
                RegionProbe.Alloc(live, 33 * MiB);
            return RegionAreas<HardwareAtomics, ShippedGeometry>.SpaceAt(live.Heap, 0)->Carved;
        }).ToArray();
        output.WriteLine($"120 requests of 33 MiB: {carved[0] / MiB} MiB of addresses in runs, {carved[1] / MiB} MiB in pools");
        Assert.Equal(4 * Chunk, carved[0]); // 30 runs of 34 MiB to a chunk
        Assert.True(carved[1] >= 120 * 64 * MiB);
    }

    [FactOnLinux]
    public void The_resident_size_falls_with_each_free()
    {
        using var live = Live();
        var held = Enumerable.Range(0, 6).Select(_ => (nuint)live.Alloc((int)(10 * MiB))).ToArray();
        for (var i = 0; i < held.Length; i++)
        {
            Assert.Equal((nuint)(10 * MiB), Pages.ResidentBytes((void*)held[i], (nuint)(10 * MiB)));
            live.Allocator.Free(ref live.Cache, (void*)held[i]);
            Assert.Equal((nuint)0, Pages.ResidentBytes((void*)held[i], (nuint)(10 * MiB)));
            Assert.Equal((ulong)(held.Length - 1 - i) * 10 * MiB, (ulong)live.Figures.RegionBytes);
        }

        // The control: a pool keeps what was freed.
        using var pool = new LiveSet(new());
        var kept = (nuint)pool.Alloc((int)(10 * MiB));
        pool.Allocator.Free(ref pool.Cache, (void*)kept);
        Assert.Equal((nuint)(10 * MiB), Pages.ResidentBytes((void*)kept, (nuint)(10 * MiB)));
    }

    [Theory]
    [InlineData(Level.Fast)]
    [InlineData(Level.Checked)]
    public void Mistakes_are_told_and_change_nothing(Level level)
    {
        using var live = new LiveSet(new() { ExactRegions = true, Level = level });
        var allocator = live.Allocator;
        var a = (nuint)allocator.Alloc(ref live.Cache, (nuint)(6 * MiB));
        var b = (nuint)allocator.Alloc(ref live.Cache, (nuint)(6 * MiB));
        Assert.Equal((SizeCategory.Region, true), (allocator.CategoryOf((void*)(a + 5_000_000)), allocator.Owns((void*)(a + 5_000_000))));
        foreach (var offset in new ulong[] { 8, 4096, Unit, Unit + 64, 4 * MiB })
            Assert.Equal(AllocError.InvalidPointer, Refused((void*)(a + (nuint)offset)));
        Assert.Equal(AllocError.None, Refused((void*)a));
        Assert.Equal(AllocError.DoubleFree, Refused((void*)a));
        Assert.Equal(AllocError.InvalidPointer, Refused((void*)(a + (nuint)Unit)));
        Assert.Equal((nuint)0, allocator.UsableSize((void*)a));
        Assert.False(allocator.Owns((void*)a));

        // The start of a run that went is inside another now.
        Assert.Equal(AllocError.None, Refused((void*)b));
        var c = (nuint)allocator.Alloc(ref live.Cache, (nuint)(12 * MiB));
        Assert.Equal(a, c);
        Assert.Equal(AllocError.InvalidPointer, Refused((void*)b));
        Assert.Equal((nuint)(12 * MiB), allocator.UsableSize((void*)c));
        allocator.Free(ref live.Cache, (void*)c, (nuint)(12 * MiB));
        ChargeWalk.Check(live.Heap);

        AllocError Refused(void* pointer)
        {
            try
            {
                allocator.Free(ref live.Cache, pointer);
                return AllocError.None;
            }
            catch (AllocatorMisuseException e)
            {
                return e.Error;
            }
        }
    }

    [Fact]
    public void Of_two_frees_at_the_same_time_one_is_told() => Seeded.Run(1, _ =>
    {
        using var live = Live();
        using var other = new LiveSet(live.Allocator, owns: false);
        var outcomes = new Outcome[2];
        for (var round = 0; round < 200; round++)
        {
            var p = RegionProbe.Alloc(live, 6 * MiB);
            using var start = new Barrier(2);
            Threads.Run(2, thread =>
            {
                var of = thread == 0 ? live : other;
                start.SignalAndWait();
                outcomes[thread] = of.Heap->Engine.FreeLarge(of.Heap, of.Cache.Record, p);
            });
            Assert.Equal([Outcome.Ok, Outcome.DoubleFree], outcomes.Order());
        }

        ChargeWalk.Check(live.Heap);
        Assert.Equal(0ul, Taken(Chunks(live.Heap).Single()));
    });

    [Fact]
    public void What_a_sealed_heap_frees_serves_it_and_goes_back_after_the_seal()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, ExactRegions = true });
        Assert.Equal(3, live.Allocator.Reserve((nuint)(6 * MiB), 3));
        var ready = live.Figures.ChargedBytes;
        live.Allocator.Seal(OnOsCall.Refuse);
        var calls = os.TotalCalls;
        for (var round = 0; round < 3; round++)
        {
            live.AllocMany(3, (int)(6 * MiB));
            Assert.False(live.TryAlloc((int)(6 * MiB), out var error));
            Assert.Equal(AllocError.Sealed, error);
            live.CheckAll();
            live.FreeAll();
        }

        // A shorter request has a longer run, and a shorter realloc keeps it; zeroed is zero.
        var p = (byte*)live.Allocator.AllocZeroed(ref live.Cache, (nuint)(4 * MiB));
        Assert.False(new Span<byte>(p, (int)(4 * MiB)).ContainsAnyExcept((byte)0));
        p = (byte*)live.Allocator.Realloc(ref live.Cache, p, (nuint)(3 * MiB));
        Assert.Equal((nuint)(4 * MiB), live.Allocator.UsableSize(p));
        p = (byte*)live.Allocator.Realloc(ref live.Cache, p, (nuint)(6 * MiB));
        Assert.Equal((nuint)(6 * MiB), live.Allocator.UsableSize(p));
        live.Allocator.Free(ref live.Cache, p, (nuint)(6 * MiB));
        Assert.Equal(calls, os.TotalCalls);
        Assert.Equal(ready, live.Figures.ChargedBytes);
        ChargeWalk.Check(live.Heap);

        live.Allocator.Unseal();
        live.Allocator.Trim();
        Assert.Equal((ulong)live.Figures.MetadataBytes, (ulong)live.Figures.ChargedBytes);
        Assert.Equal(0ul, Taken(Chunks(live.Heap).Single()));
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_run_that_cannot_be_purged_stays_charged_serves_its_length_and_goes_with_the_next_sweep()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, ExactRegions = true });
        var p = (byte*)RegionProbe.Alloc(live, 6 * MiB);
        new Span<byte>(p, (int)(6 * MiB)).Fill(0xEE);
        os.FailEvery(VmVerb.Purge, 1);
        live.Allocator.Free(ref live.Cache, p);
        ChargeWalk.Check(live.Heap);
        Assert.Equal((ulong)live.Figures.MetadataBytes + (6 * MiB), (ulong)live.Figures.ChargedBytes);
        Assert.Equal(((nuint)0, 0), (live.Figures.RegionBytes, live.Figures.RegionCount));
        Assert.NotEqual((nuint)p, RegionProbe.Alloc(live, 4 * MiB));
        var again = (byte*)live.Allocator.AllocZeroed(ref live.Cache, (nuint)(6 * MiB));
        Assert.Equal((nint)p, (nint)again);
        Assert.False(new Span<byte>(p, (int)(6 * MiB)).ContainsAnyExcept((byte)0));
        again = (byte*)live.Allocator.Realloc(ref live.Cache, again, (nuint)(3 * MiB)); // the tail cannot go
        Assert.Equal(((nint)p, (nuint)(4 * MiB)), ((nint)again, live.Allocator.UsableSize(again)));
        live.Allocator.Free(ref live.Cache, again);
        os.ClearFaults();
        live.Allocator.Trim();
        Assert.Equal((ulong)live.Figures.MetadataBytes + (4 * MiB), (ulong)live.Figures.ChargedBytes);
        Assert.Equal(2ul, Taken(Chunks(live.Heap).Single()));
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Where_addresses_are_scarce_chunks_are_smaller()
    {
        using var os = new SimulatedVirtualMemory(new() { AddressSpaceBytes = 900 * MiB });
        using var live = new LiveSet(new() { VirtualMemory = os.Table, ExactRegions = true, ReserveBytes = 16 << 20 });
        live.AllocMany(20, (int)(5 * MiB));
        Assert.InRange(Chunks(live.Heap)[0].Count, 16ul, 256ul);
        live.CheckAll();
        live.FreeAll();
        ChargeWalk.Check(live.Heap);
    }

    private static LiveSet Live() => new(new() { ExactRegions = true });
}

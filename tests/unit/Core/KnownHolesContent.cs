using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known holes of the ancestors in what a user reads: slots handed out twice, double frees, dirty zeroed memory. (1 and 2: see <see cref="InterruptionTests"/>.)</summary>
public sealed unsafe class KnownHolesContent
{
    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Hole_7_a_failed_purge_does_not_hand_a_slot_out_twice(CasWidth width)
    {
        for (var k = 1; k <= 12; k++)
        {
            using var os = new SimulatedVirtualMemory();
            using var live = LiveSet.Over(os, width);
            live.AllocMany(500, 2000);
            live.FreeWhere(i => i % 9 != 0);
            os.FailAt(VmVerb.Purge, k);
            live.Allocator.Trim(ref live.Cache);
            live.AllocMany(500, 2000);
            Assert.Equal(live.Count, live.Live.Select(one => one.Address).Distinct().Count());
            live.CheckAll();
        }
    }

    [Fact]
    public void Hole_10_a_free_of_what_never_was_a_slot_is_told_and_changes_nothing()
    {
        using var live = new LiveSet(new());
        live.AllocMany(20, 100);
        var heap = live.Heap;
        var slot = (byte*)live.Live[3].Address;
        var never = (byte*)live.Cache.Record->Base + (5ul << 30); // inside the stretch, where no block was born
        foreach (var wrong in new[] { (nint)never, (nint)(never + 8), 4096, (nint)(&heap), (nint)live.Cache.Record->Base - 65_536 })
        {
            Assert.False(live.Allocator.TryFree(ref live.Cache, (void*)wrong, out var error));
            Assert.Equal(AllocError.InvalidPointer, error);
            Assert.Throws<AllocatorMisuseException>(() => live.Allocator.Free(ref live.Cache, (void*)wrong));
            Assert.Equal((nuint)0, live.Allocator.UsableSize((void*)wrong));
        }

        Assert.False(live.Allocator.TryFree(ref live.Cache, slot + 8, out var interior));
        Assert.Equal(AllocError.InvalidPointer, interior);
        live.CheckAll();
        live.FreeAll();
        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Hole_18_zeroed_memory_over_used_and_purged_memory_reads_as_zero(CasWidth width) => Seeded.Run(2, random =>
    {
        using var live = new LiveSet(new() { CasWidth = width });
        for (var step = 0; step < 3000; step++)
        {
            var size = random.Next(3) switch { 0 => random.Next(1, 200), 1 => random.Next(1, 9000), _ => random.Next(4096, 70_000) };
            if (random.Next(2) == 0)
            {
                live.Alloc(size);
            }
            else
            {
                var address = (byte*)live.Allocator.AllocZeroed(ref live.Cache, (nuint)size);
                Assert.False(new Span<byte>(address, size).ContainsAnyExcept((byte)0), $"{size} bytes at step {step}");
                live.Adopt(address, size);
            }

            if (live.Count > 60)
                live.FreeWhere(_ => random.Next(3) > 0, sized: random.Next(2) == 0);
            if (step % 400 == 399)
                live.Allocator.Trim(ref live.Cache);
        }

        live.CheckAll();
    });
}

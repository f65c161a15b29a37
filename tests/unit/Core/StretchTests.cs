using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Stretches: smaller ones where addresses are scarce, more of them where one is full.</summary>
public sealed unsafe class StretchTests
{
    private const ulong MiB = 1 << 20;

    [Fact]
    public void A_refused_reservation_is_followed_by_a_smaller_one_that_leaves_addresses_to_others()
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 100 });
        os.FailAt(VmVerb.Reserve, 2); // the first is the header's
        using (var live = LiveSet.Over(os))
        {
            var stretch = Placement<HardwareAtomics>.StretchAt(live.Heap, 0);
            Assert.Equal(2048 * MiB, stretch->Large.BlockCount << 16);
            Assert.Equal(16 * MiB, live.Heap->Magazines.Reserved);
            live.AllocMany(1000, 1000);
            live.CheckAll();
            live.FreeAll();
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(1024)]
    [InlineData(8192)]
    public void Few_addresses_still_make_an_allocator_that_works(ulong mebibytes)
    {
        using var os = new SimulatedVirtualMemory(new() { AddressSpaceBytes = mebibytes * MiB });
        using var live = LiveSet.Over(os);
        for (var size = 8; size <= 65_536; size *= 2)
            live.AllocMany(10, size);
        live.Alloc(70_000);
        live.CheckAll();
        live.FreeAll(sized: false);
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Too_few_addresses_are_named_in_the_exception_and_nothing_leaks()
    {
        using var os = new SimulatedVirtualMemory(new() { AddressSpaceBytes = 10 * MiB });
        var error = Assert.Throws<AllocatorOutOfMemoryException>(() => LiveSet.Over(os));
        Assert.Equal(AllocError.AddressSpaceExhausted, error.Error);
        Assert.Contains("20 MiB", error.Message, StringComparison.Ordinal);
        Assert.Equal(0ul, os.ReservedBytes);
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void A_full_stretch_is_followed_by_others_whose_contents_hold_and_whose_slots_are_freed_without_a_size(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory();
        using (var live = LiveSet.Over(os, width, reserve: 16 * MiB))
        {
            live.AllocMany(20 * 16, 60_000);
            live.AllocMany(6 * 32_768, 32);
            live.AllocMany(30_000, 700);
            Assert.True(Placement<HardwareAtomics>.StretchAt(live.Heap, 1) != null);
            Assert.Contains(live.Live, one => Located(live, one.Address) != Placement<HardwareAtomics>.StretchAt(live.Heap, 0));
            foreach (var (address, size, _) in live.Live)
            {
                Assert.InRange(live.Allocator.UsableSize((void*)address), (nuint)size, (nuint)(size * 10 / 8));
                Assert.True(live.Allocator.Owns((void*)address));
            }

            live.FreeWhere(i => i % 2 == 0, sized: false);
            live.CheckAll();
            live.FreeAll(sized: false);
            live.Cache.Park();
            Assert.Equal((nuint)0, live.Figures.LiveBytes);
            var before = os.CommittedBytes;
            live.AllocMany(20 * 16, 60_000);
            live.CheckAll();
            Assert.Equal(before, os.CommittedBytes);
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Racers_that_add_the_same_stretch_leave_one_and_release_the_other()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, reserve: 16 * MiB);
        var heap = live.Heap;
        var before = os.ReservedBytes;
        var raced = false;
        HookedAtomics.With(
            site =>
            {
                if (site != Site.StretchPublish || raced)
                    return;
                raced = true;
                Assert.Equal(Outcome.Ok, Stretches<HookedAtomics, BitTreeAlloc.Bits.ShippedGeometry>.Add(heap, 1, 0, isFirst: false));
            },
            () => Assert.Equal(Outcome.Ok, Stretches<HookedAtomics, BitTreeAlloc.Bits.ShippedGeometry>.Add(heap, 1, 0, isFirst: false)));
        var second = Placement<HardwareAtomics>.StretchAt(heap, 1);
        Assert.Equal(before + second->DataBytes + second->MetadataBytes, os.ReservedBytes);
        Assert.True(Placement<HardwareAtomics>.StretchAt(heap, 2) == null);
        Assert.Empty(os.Violations);
    }

    private static Stretch* Located(LiveSet live, nint address) =>
        Placement<HardwareAtomics>.TryLocate(live.Heap, (ulong)address, out var block) ? block.Space->Owner : null;
}

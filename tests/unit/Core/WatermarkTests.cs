using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Committing by a mark that only grows.</summary>
public sealed unsafe class WatermarkTests
{
    private const ulong MiB = 1 << 20;

    [Fact]
    public void The_first_step_is_the_smallest_and_each_later_one_a_quarter()
    {
        using var heap = new HeapUnderTest();
        var mark = heap.NewMark(64 * MiB, 16 << 10);
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, 1));
        Assert.Equal(16ul << 10, mark->Committed);
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, 16 << 10));
        Assert.Single(heap.Commits());
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, MiB));
        Assert.Equal(MiB, mark->Committed);
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, MiB + 1));
        Assert.Equal(MiB + (MiB / 4), mark->Committed);
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, 64 * MiB));
        Assert.Equal(64 * MiB, mark->Committed);
        Assert.Equal(64 * MiB, heap.Os.CommittedBytes);
        Assert.Empty(heap.Os.Violations);
    }

    [Fact]
    public void Calls_grow_with_the_logarithm_of_the_bytes()
    {
        using var heap = new HeapUnderTest();
        var mark = heap.NewMark(1024 * MiB, 64 << 10);
        for (var end = 64ul << 10; end <= 1024 * MiB; end += 64 << 10)
            Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, end));

        // Four equal steps to 256 KiB, then 1.25 each: log(4096) / log(1.25) is 37.3.
        Assert.InRange(heap.Commits().Count(), 30, 44);
    }

    [Fact]
    public void Where_a_larger_step_is_refused_exactly_the_need_is_committed()
    {
        using var heap = new HeapUnderTest();
        var mark = heap.NewMark(16 * MiB, MiB);
        heap.Os.FailAt(VmVerb.Commit, 1);
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, 5000));
        Assert.Equal(2 * heap.Page, mark->Committed);
        Assert.Equal([VmStatus.CommitRefused, VmStatus.Ok], heap.Commits().Select(call => call.Status));
    }

    [Fact]
    public void Where_the_need_is_refused_too_the_mark_stays_and_a_later_call_succeeds()
    {
        using var heap = new HeapUnderTest();
        var mark = heap.NewMark(16 * MiB, MiB);
        heap.Os.FailEvery(VmVerb.Commit, 1);
        Assert.Equal(VmStatus.CommitRefused, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, 5000));
        Assert.Equal(0ul, mark->Committed);
        heap.Os.ClearFaults();
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, 5000));
        Assert.Equal(MiB, mark->Committed);
    }

    [Fact]
    public void Capacity_for_the_need_alone_is_used_to_the_last_page()
    {
        using var heap = new HeapUnderTest(new() { CapacityBytes = 10 * 4096 });
        var mark = heap.NewMark(16 * MiB, 4 * heap.Page);
        var pages = 0ul;
        while (HeapOs<HardwareAtomics>.Ensure(heap.Heap, mark, (pages + 1) * heap.Page) == VmStatus.Ok)
            pages++;
        Assert.Equal(10ul, pages);
    }

    [Fact]
    public void A_racer_that_committed_further_meanwhile_is_not_set_back()
    {
        using var heap = new HeapUnderTest();
        var mark = heap.NewMark(16 * MiB, 64 << 10);
        var raced = false;
        HookedAtomics.With(
            site =>
            {
                if (site != Site.WatermarkRaise || raced)
                    return;
                raced = true;
                Assert.Equal(VmStatus.Ok, HeapOs<HookedAtomics>.Ensure(heap.Heap, mark, 2 * MiB));
            },
            () => Assert.Equal(VmStatus.Ok, HeapOs<HookedAtomics>.Ensure(heap.Heap, mark, 1)));
        Assert.True(raced);
        Assert.Equal(2 * MiB, mark->Committed);
    }

    [Fact]
    public void Racing_threads_leave_the_mark_where_everything_below_is_committed()
    {
        using var heap = new HeapUnderTest(new());
        var mark = heap.NewMark(64 * MiB, 16 << 10);
        var pointers = ((nint)heap.Heap, (nint)mark);
        Threads.Run(4, number =>
        {
            for (var end = 4096ul * (ulong)(number + 1); end < 8 * MiB; end += 4 * 4096)
                Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Ensure((Heap*)pointers.Item1, (Watermark*)pointers.Item2, end));
        });
        Assert.Equal(mark->Committed, heap.Os.CommittedBytes);
        Assert.Empty(heap.Os.Violations);
    }
}

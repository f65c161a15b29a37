using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>Sizes, strides and cache lines of what lies in native memory.</summary>
public sealed unsafe class LayoutTests
{
    [Fact]
    public void A_tree_has_2_KB_of_leaves_over_16_384_blocks_in_three_levels_of_1_4_and_256_words()
    {
        Assert.Equal(16_384, 1 << ShippedGeometry.TreeShift);
        Assert.Equal(2048, (1 << ShippedGeometry.TreeShift) / 8);
        Assert.Equal(256, 1 << (ShippedGeometry.TreeShift - ShippedGeometry.WordShift));
        Assert.Equal(4, 1 << (ShippedGeometry.TreeShift - (2 * ShippedGeometry.WordShift)));
        Assert.Equal(64, BitTree<HardwareAtomics, ShippedGeometry>.MaxTrees);
    }

    [Fact]
    public void A_block_has_one_u64_of_state_eight_to_a_cache_line()
    {
        Assert.Equal(8, sizeof(BlockWord));
        Assert.Equal(8, 64 / sizeof(BlockWord));
    }

    [Fact]
    public void A_magazine_is_1_KiB_with_125_slots_behind_its_header()
    {
        Assert.Equal(1024, ShippedGeometry.MagazineWords * sizeof(ulong));
        Assert.Equal(125, ShippedGeometry.MagazineWords - Magazine.HeaderWords);
        Assert.Equal(Magazine.HeaderWords - 1, Magazine.SentinelIndex);
    }

    [Fact]
    public void The_heads_of_stacks_lie_at_multiples_of_16()
    {
        RecordPool pool;
        Assert.Equal(0ul, ((ulong)&pool.Free - (ulong)&pool) % 128);
        Assert.Equal(0, sizeof(ClassState) % 16);
        ClassState state;
        Assert.Equal(0ul, ((ulong)&state.Recycler - (ulong)&state) % 16);
    }

    [Fact]
    public void Every_shared_word_of_the_heap_lies_128_bytes_from_the_next()
    {
        Assert.Equal(128, sizeof(Line));
        Assert.Equal(128, sizeof(HeadLine));
        Heap heap;
        var start = (ulong)&heap;
        ulong[] words =
        [
            (ulong)&heap.GenerationLine, (ulong)&heap.InUseLine, (ulong)&heap.TouchedLine,
            (ulong)&heap.MagazinesNextLine, (ulong)&heap.OsCallsLine, (ulong)&heap.PurgedBytesLine, (ulong)&heap.PeakLine, (ulong)&heap.NextSweepLine,
            (ulong)&heap.DirectBytesLine, (ulong)&heap.DirectCountLine, (ulong)&heap.DirectLeavesLine, (ulong)&heap.PurgeLostCommitLine,
            (ulong)&heap.ChargedLine, (ulong)&heap.HardLimitLine, (ulong)&heap.SoftLimitLine, (ulong)&heap.SoftStepLine, (ulong)&heap.LimitNoteLine, (ulong)&heap.LimitChargedLine,
            (ulong)&heap.SharedOperationsLine, (ulong)&heap.RefillsLine, (ulong)&heap.FlushesLine,
            (ulong)&heap.RecordListLine, (ulong)&heap.FreeRecords, (ulong)&heap.EmptyMagazines,
            (ulong)&heap.CacheGrantedLine, (ulong)&heap.CacheRefusalsLine, (ulong)&heap.CacheClassBytesLine,
            (ulong)&heap.MediumGrantedLine, (ulong)&heap.MediumSlackLine, (ulong)&heap.SmallSlackLine, (ulong)&heap.LazyBytesLine, (ulong)&heap.SealLine, (ulong)&heap.SealBrokenLine,
            (ulong)&heap.AdviceDeniedLine, (ulong)&heap.HugePoolBytesLine, (ulong)&heap.HugeSkip30Line, (ulong)&heap.HugeSkip21Line, (ulong)&heap.MovedBytesLine,
            (ulong)&heap.HugePool30BytesLine, (ulong)&heap.HugePoolRefusalsLine,
            (ulong)&heap.ProbeCursorLine, (ulong)&heap.RecordCountLine, (ulong)&heap.ProbeThresholdLine,
        ];
        var offsets = words.Select(word => (int)(word - start)).Order().ToArray();
        Assert.Equal(typeof(Heap).GetFields().Count(field => field.FieldType == typeof(Line) || field.FieldType == typeof(HeadLine)), offsets.Length);
        Assert.Equal(Enumerable.Range(0, offsets.Length).Select(line => 128 * line), offsets);

        // The 16-byte heads fault unless aligned; what is written once comes behind the last line.
        Assert.Equal(0, (int)((ulong)&heap.FreeRecords - start) % 64);
        Assert.True((ulong)&heap.Os - start >= (ulong)(128 * offsets.Length));
    }

    [Theory]
    [MemberData(nameof(Support.CasForms.All), MemberType = typeof(Support.CasForms))]
    public void Heads_of_stacks_are_16_byte_aligned_and_class_states_a_cache_line(CasWidth width)
    {
        using var allocator = new BitTreeAllocator(new() { CasWidth = width });
        using var cache = allocator.CreateCache();
        var heap = cache.Record->Heap;
        Assert.Equal(128, sizeof(ClassState));
        Assert.Equal(0, (long)Marshal.OffsetOf<ClassState>(nameof(ClassState.Recycler)));
        Assert.Equal(0ul, (ulong)heap->States % 64);
        Assert.Equal(0ul, (ulong)&heap->EmptyMagazines.Head % 16);
        Assert.Equal(0ul, (ulong)&heap->Pool->Free.Head % 16);
        Assert.Equal(width == CasWidth.Sixteen, heap->UseCas16);
    }

    [Fact]
    public void A_cache_record_fits_its_stride_and_mirrors_the_header_of_a_magazine()
    {
        CacheRecord record;
        Assert.Equal(((nint)CacheRecord.Top(&record, 0) - (nint)(&record), (nint)CacheRecord.Limit(&record, 0) - (nint)(&record)), CacheRecord.Offsets(&record));
        Assert.InRange(sizeof(CacheRecord), 1, CacheRecord.Stride);
        Assert.Equal(0, (long)Marshal.OffsetOf<CacheRecord>(nameof(CacheRecord.Link)));
        Assert.Equal(8, (long)Marshal.OffsetOf<CacheRecord>(nameof(CacheRecord.Depth)));
        Assert.Equal(8 * Magazine.SentinelIndex, (long)Marshal.OffsetOf<CacheRecord>(nameof(CacheRecord.Sentinel)));
    }

    [Fact]
    public void A_thread_cache_is_one_pointer() => Assert.Equal(sizeof(nint), sizeof(ThreadCache));
}

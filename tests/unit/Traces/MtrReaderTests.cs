using System.Buffers.Binary;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tests.Unit.Traces;

public sealed class MtrReaderTests
{
    private const int Body = 72 + 4;

    [Fact]
    public void What_was_written_is_read()
    {
        var trace = Read(new MtrWriter("two").Thread(0).Malloc(0, 10).Calloc(1, 300).Thread(1).Realloc(0, 20).Memalign(6, 2, 64).Free(1)
            .Realloc(2, 128).Finish().ToBytes());

        Assert.Equal("two", trace.Name);
        Assert.Equal(new TraceHeader(2, 8, 6, 3, 3, 384, 3, 522, "two"), trace.Header);
        Assert.Equal(
            [
                (TraceOp.Malloc, 0u, 10ul, 0, 0), (TraceOp.Calloc, 1u, 300ul, 0, 0), (TraceOp.Realloc, 0u, 20ul, 0, 1), (TraceOp.Memalign, 2u, 64ul, 6, 1),
                (TraceOp.Free, 1u, 300ul, 0, 1), (TraceOp.ReallocAligned, 2u, 128ul, 6, 1), (TraceOp.Free, 0u, 20ul, 0, 1), (TraceOp.FreeAligned, 2u, 128ul, 6, 1),
            ],
            trace.Events.Select(e => (e.Op, e.Id, e.Size, (int)e.AlignLog2, (int)e.Thread)));
    }

    [Theory]
    [InlineData(1, 500, 1)]
    [InlineData(2, 5000, 3)]
    public void Random_traces_are_read_plain_and_compressed(int seed, int events, int threads)
    {
        var bytes = MtrWriter.Random(seed, events, threads).ToBytes();
        var plain = TraceSource.Load(new MemoryStream(bytes));
        var compressed = TraceSource.Load(new MemoryStream(MtrWriter.Gzip(bytes)));

        Assert.Equal(plain.Header, compressed.Header);
        Assert.Equal(plain.Events, compressed.Events);
        Assert.Equal(plain.Header.Events, (ulong)plain.Events.Length);
    }

    [Fact]
    public void A_trace_without_events_is_a_trace() => Assert.Empty(Read(new MtrWriter().Exit().ToBytes()).Events);

    [Theory]
    [InlineData(8, "threads")]
    [InlineData(36, "objects")]
    [InlineData(44, "peak live bytes")]
    [InlineData(52, "peak live objects")]
    [InlineData(60, "requested bytes")]
    public void A_total_that_the_events_do_not_give_is_named_with_its_offset(int offset, string field)
    {
        foreach (var change in (int[])[-1, 1])
        {
            var bytes = Good();
            bytes[offset] = (byte)(bytes[offset] + change);
            Fails(bytes, field == "threads" && change < 0 ? Body + 1 : offset, field == "threads" && change < 0 ? "thread 0" : field);
        }
    }

    [Fact]
    public void Counts_of_events_are_held_against_the_stream()
    {
        Fails(Patch(Good(), 12, -1), "an event more than the 4", w => w.Length - 2);
        Fails(Patch(Good(), 12, 1), "after 5 events, the header says 6", w => w.Length);
        Fails(Patch(Good(), 20, 1), "the EXIT mark follows 3 events, the header says 4", w => w.Length - 5);
        Fails(Patch(Good(), 20, -1), "the EXIT mark follows 3 events, the header says 2", w => w.Length - 5);
        Fails(Patch(Good(), 28, -1), "slot 1 in a trace of 1 slots", w => Body + 6);
        Fails(Patch(Good(), 28, 1), "the header says 3 slots, the events give 2", w => 28);
    }

    [Theory]
    [InlineData(8, 4, "threads")]
    [InlineData(12, 8, "events")]
    [InlineData(20, 8, "events before EXIT")]
    [InlineData(28, 8, "slots")]
    [InlineData(36, 8, "objects")]
    [InlineData(44, 8, "peak live bytes")]
    [InlineData(52, 8, "peak live objects")]
    [InlineData(60, 8, "requested bytes")]
    [InlineData(68, 4, "bytes of name")]
    public void Absurd_claims_are_refused_before_anything_is_sized_by_them(int offset, int width, string field)
    {
        var bytes = Good();
        bytes.AsSpan(offset, width).Fill(0xFF);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fails(bytes, offset, field);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Foreign_and_empty_files_are_named()
    {
        Fails([], 0, "empty");
        Fails("MTRC0002"u8.ToArray(), 0, "magic");
        Fails("MTRC"u8.ToArray(), 4, "magic");
        Fails("<!DOCTYPE html>"u8.ToArray(), 0, "not a trace");
        Fails(Good()[..30], 30, "ends inside the header");
        Fails(Good()[..74], 74, "ends inside the name");
        var name = Good();
        name[73] = 0xFF;
        Fails(name, 73, "UTF-8");
    }

    [Fact]
    public void Each_contradiction_in_the_stream_is_named_with_its_offset()
    {
        FailsAtEnd(w => w.Raw(7), "unknown opcode 7");
        FailsAtEnd(w => w.Raw(0, 0, 1), "slot 0 is allocated while it is live", 1);
        FailsAtEnd(w => w.Raw(1, 3), "free of slot 3, which is not live", 1);
        FailsAtEnd(w => w.Raw(3, 3, 1), "realloc of slot 3, which is not live", 1);
        FailsAtEnd(w => w.Raw(0, 99, 1), "slot 99 in a trace of", 1);
        FailsAtEnd(w => w.Raw(5, 1), "thread 1 in a trace of 1 threads", 1);
        FailsAtEnd(w => w.Raw(4, 31, 3, 1), "an alignment of 2^31", 1);
        FailsAtEnd(w => w.Raw(0, 0x83, 0), "a slot id is written longer than needed", 1);
        FailsAtEnd(w => w.Raw([0, 3, .. Enumerable.Repeat((byte)0xFF, 9), 2]), "a size does not fit in 64 bits", 2);
        FailsAtEnd(w => w.Raw([0, 3, .. Enumerable.Repeat((byte)0xFF, 11)]), "a size does not fit in 64 bits", 2);
        FailsAtEnd(w => w.Raw([0, 3, .. Enumerable.Repeat((byte)0xFF, 9), 1]), "more than an address space holds", 2);
        FailsAtEnd(w => w.Raw(0, 3), "the trace ends inside a size", 2);
        FailsAtEnd(w => w.Raw(0), "the trace ends inside a slot id", 1);
        FailsAtEnd(w => w.Raw(5), "the trace ends inside a thread number", 1);
    }

    [Fact]
    public void The_EXIT_mark_stands_once_and_only_frees_follow_it()
    {
        var w = new MtrWriter().Malloc(0, 8).Free(0).Exit();
        var end = w.Offset;
        Fails(w.Raw(6).ToBytes(), end, "a second EXIT mark");

        w = new MtrWriter().Malloc(0, 8).Exit();
        end = w.Offset;
        Fails(w.Realloc(0, 9).Free(0).ToBytes(), end, "opcode 3 after the EXIT mark");

        w = new MtrWriter().Malloc(0, 8).Free(0);
        Fails(w.ToBytes(), w.Offset, "without an EXIT mark");

        w = new MtrWriter().Malloc(0, 8).Exit();
        Fails(w.ToBytes(), w.Offset, "1 objects still live");

        w = new MtrWriter().Malloc(0, 8).Finish();
        end = w.Offset;
        Fails(w.Raw(0, 0, 0).ToBytes(), end, "an event more than the 2 the header counts");
        Fails([.. w.ToBytes()[..end], 0x2A], end, "unknown opcode 42");
    }

    [Fact]
    public void Slot_ids_that_run_away_do_not_size_a_table()
    {
        // The header may claim millions of slots as long as it claims as many events; the table must still follow the data.
        var w = new MtrWriter();
        var at = w.Offset + 1;
        var bytes = w.Raw(0).Varint(5_000_000).Varint(8).ToBytes();
        foreach (var offset in (int[])[12, 28, 36, 52])
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(offset), 50_000_000);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fails(bytes, at, "runs far ahead");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    // Five events: three before EXIT, two after.
    private static byte[] Good() => new MtrWriter().Thread(0).Malloc(0, 20).Malloc(1, 8).Realloc(1, 9).Finish().ToBytes();

    private static byte[] Patch(byte[] bytes, int offset, int change)
    {
        bytes[offset] = (byte)(bytes[offset] + change);
        return bytes;
    }

    private static Trace Read(byte[] bytes) => MtrReader.Read(new MemoryStream(bytes));

    // A live slot 0, ids up to 3 known to the header, then what the test adds, then room for more events.
    private static void FailsAtEnd(Func<MtrWriter, MtrWriter> add, string what, int after = 0)
    {
        var w = new MtrWriter().Malloc(0, 8).Malloc(1, 8).Malloc(2, 8).Malloc(3, 8).Free(3);
        var at = w.Offset + after;
        var bytes = add(w).ToBytes();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(12), 100);
        Fails(bytes, at, what);
    }

    private static void Fails(byte[] bytes, string what, Func<byte[], int> offset) => Fails(bytes, offset(bytes), what);

    private static void Fails(byte[] bytes, long offset, string what)
    {
        var e = Assert.Throws<TraceFormatException>(() => Read(bytes));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.Equal(offset, e.Offset);
        Assert.StartsWith($"offset {offset}: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }
}

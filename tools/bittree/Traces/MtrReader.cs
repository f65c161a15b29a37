using System.Text;

namespace BitTreeAlloc.Tool.Traces;

/// <summary>
/// Reads the decompressed bytes of an <c>*.mtr</c> file once, front to back, and reports the first thing that contradicts the format or the
/// header as a <see cref="TraceFormatException"/>. A trace that comes out of here can be replayed without a check.
/// </summary>
internal sealed class MtrReader
{
    private const int OpThread = 5;
    private const int OpExit = 6;
    private const string InHeader = "the header";

    private readonly ByteSource _bytes;
    private readonly LiveObjects _objects = new();
    private readonly HashSet<uint> _threadsSeen = [];
    private TraceHeader _header = null!;
    private TraceEvent[] _events = new TraceEvent[1024];
    private int _count;
    private uint _thread;
    private bool _exited;

    private MtrReader(Stream decompressed, long mostBytes) => _bytes = new ByteSource(decompressed, mostBytes);

    /// <summary>Reads a whole trace of at most <paramref name="mostBytes"/> bytes.</summary>
    /// <exception cref="TraceFormatException">The bytes are not a consistent trace.</exception>
    public static Trace Read(Stream decompressed, long mostBytes = TraceLimits.DecompressedBytes)
    {
        var reader = new MtrReader(decompressed, mostBytes);
        reader.ReadHeader();
        while (reader.ReadEvent())
        {
        }

        reader.CheckTotals();
        Array.Resize(ref reader._events, reader._count);
        return new Trace(reader._header, reader._events);
    }

    private void ReadHeader()
    {
        Span<byte> magic = stackalloc byte[8];
        for (var i = 0; i < magic.Length; i++)
        {
            var b = _bytes.TryReadByte();
            if (b < 0)
                throw new TraceFormatException(i, i == 0 ? "the trace is empty" : "the trace ends inside the magic \"MTRC0001\"");
            if (b != TraceHeader.Magic[i])
                throw new TraceFormatException(0, "this is not a trace: the magic \"MTRC0001\" is missing");
        }

        var threads = _bytes.ReadUInt32(InHeader);
        Limit(TraceHeader.ThreadsAt, "threads", threads, TraceLimits.Threads);
        var events = Count("events", TraceHeader.EventsAt, TraceLimits.Events);
        var body = Count("events before EXIT", TraceHeader.BodyEventsAt, events);
        var slots = Count("slots", TraceHeader.SlotsAt, events);
        var objects = Count("objects", TraceHeader.ObjectsAt, events);
        var peakBytes = Count("peak live bytes", TraceHeader.PeakLiveBytesAt, long.MaxValue);
        var peakObjects = Count("peak live objects", TraceHeader.PeakLiveObjectsAt, events);
        var totalBytes = Count("requested bytes", TraceHeader.TotalBytesAt, long.MaxValue);
        var nameLength = _bytes.ReadUInt32(InHeader);
        Limit(TraceHeader.NameLengthAt, "bytes of name", nameLength, TraceLimits.NameBytes);
        var name = new byte[nameLength];
        _bytes.ReadExactly(name, "the name");
        _header = new TraceHeader(threads, events, body, slots, objects, peakBytes, peakObjects, totalBytes, DecodeName(name));
    }

    private ulong Count(string what, int offset, ulong limit)
    {
        var value = _bytes.ReadUInt64(InHeader);
        Limit(offset, what, value, limit);
        return value;
    }

    private static void Limit(int offset, string what, ulong value, ulong limit)
    {
        if (value > limit)
            throw new TraceFormatException(offset, $"the header claims {value} {what}; at most {limit} are possible here");
    }

    private static string DecodeName(byte[] name)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(name);
        }
        catch (DecoderFallbackException e)
        {
            throw new TraceFormatException(TraceHeader.NameAt + Math.Max(0, e.Index), "the name is not UTF-8", e);
        }
    }

    private bool ReadEvent()
    {
        var at = _bytes.Offset;
        var op = _bytes.TryReadByte();
        switch (op)
        {
            case < 0:
                return false;
            case OpThread:
                SwitchThread();
                return true;
            case OpExit:
                MarkExit(at);
                return true;
            case > OpExit:
                throw new TraceFormatException(at, $"unknown opcode {op}");
        }

        if ((ulong)_count == _header.Events)
            throw new TraceFormatException(at, $"an event more than the {_header.Events} the header counts");
        if (_exited && op != (int)TraceOp.Free)
            throw new TraceFormatException(at, $"opcode {op} after the EXIT mark, where only frees may follow");
        if (_threadsSeen.Add(_thread) && _thread >= _header.Threads)
            throw new TraceFormatException(at, $"an event of thread {_thread} in a trace of {_header.Threads} threads");
        Append(Decode((TraceOp)op));
        return true;
    }

    private TraceEvent Decode(TraceOp op)
    {
        var align = op == TraceOp.Memalign ? ReadAlignment() : (byte)0;
        var idAt = _bytes.Offset;
        var id = _bytes.ReadVarint("a slot id");
        if (id >= _header.Slots)
            throw new TraceFormatException(idAt, $"slot {id} in a trace of {_header.Slots} slots");
        var e = new TraceEvent { Id = (uint)id, Op = op, AlignLog2 = align, Thread = (ushort)_thread };
        if (op == TraceOp.Free)
        {
            (e.Size, e.AlignLog2) = _objects.Free(e.Id, idAt);
            e.Op = e.AlignLog2 == 0 ? TraceOp.Free : TraceOp.FreeAligned;
            return e;
        }

        var sizeAt = _bytes.Offset;
        e.Size = _bytes.ReadVarint("a size");
        if (e.Size > TraceLimits.ObjectBytes)
            throw new TraceFormatException(sizeAt, $"a size of {e.Size} bytes, more than an address space holds");
        if (op == TraceOp.Realloc)
        {
            e.AlignLog2 = _objects.Resize(e.Id, e.Size, idAt);
            e.Op = e.AlignLog2 == 0 ? TraceOp.Realloc : TraceOp.ReallocAligned;
        }
        else
        {
            _objects.Allocate(e.Id, e.Size, align, idAt);
        }

        return e;
    }

    private byte ReadAlignment()
    {
        var at = _bytes.Offset;
        var log2 = _bytes.ReadVarint("an alignment");
        return log2 <= TraceLimits.AlignmentLog2
            ? (byte)log2
            : throw new TraceFormatException(at, $"an alignment of 2^{log2} bytes; at most 2^{TraceLimits.AlignmentLog2} is possible here");
    }

    private void SwitchThread()
    {
        var at = _bytes.Offset;
        var thread = _bytes.ReadVarint("a thread number");
        if (thread >= _header.Threads)
            throw new TraceFormatException(at, $"thread {thread} in a trace of {_header.Threads} threads");
        _thread = (uint)thread;
    }

    private void MarkExit(long at)
    {
        if (_exited)
            throw new TraceFormatException(at, "a second EXIT mark");
        if ((ulong)_count != _header.BodyEvents)
            throw new TraceFormatException(at, $"the EXIT mark follows {_count} events, the header says {_header.BodyEvents}");
        _exited = true;
    }

    private void Append(in TraceEvent e)
    {
        if (_count == _events.Length)
            Array.Resize(ref _events, _count * 2);
        _events[_count++] = e;
    }

    private void CheckTotals()
    {
        var end = _bytes.Offset;
        if (!_exited)
            throw new TraceFormatException(end, $"the trace ends after {_count} of {_header.Events} events, without an EXIT mark");
        if ((ulong)_count != _header.Events)
            throw new TraceFormatException(end, $"the trace ends after {_count} events, the header says {_header.Events}");
        if (_objects.Live != 0)
            throw new TraceFormatException(end, $"the trace ends with {_objects.Live} objects still live");
        Total(TraceHeader.ThreadsAt, "threads", _header.Threads, (ulong)_threadsSeen.Count);
        Total(TraceHeader.ObjectsAt, "objects", _header.Objects, _objects.Objects);
        Total(TraceHeader.PeakLiveBytesAt, "peak live bytes", _header.PeakLiveBytes, _objects.PeakLiveBytes);
        Total(TraceHeader.PeakLiveObjectsAt, "peak live objects", _header.PeakLiveObjects, _objects.PeakLive);
        Total(TraceHeader.SlotsAt, "slots", _header.Slots, _objects.PeakLive);
        Total(TraceHeader.TotalBytesAt, "requested bytes", _header.TotalBytes, _objects.TotalBytes);
    }

    private void Total(int offset, string what, ulong header, ulong counted)
    {
        // A trace without events has no thread to count.
        if (header != counted && (_count != 0 || offset != TraceHeader.ThreadsAt))
            throw new TraceFormatException(offset, $"the header says {header} {what}, the events give {counted}");
    }
}

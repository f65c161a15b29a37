using System.Buffers.Binary;

namespace BitTreeAlloc.Tool.Traces;

/// <summary>Reads bytes, little-endian words and LEB128 varints from a stream and knows the offset of each.</summary>
internal sealed class ByteSource
{
    private readonly Stream _stream;
    private readonly long _mostBytes;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _next;
    private int _end;
    private long _bufferStart;

    /// <summary>Reads from <paramref name="stream"/>, which holds decompressed bytes, no more than <paramref name="mostBytes"/> of them.</summary>
    public ByteSource(Stream stream, long mostBytes) => (_stream, _mostBytes) = (stream, mostBytes);

    /// <summary>Offset of the next byte.</summary>
    public long Offset => _bufferStart + _next;

    /// <summary>The next byte, or −1 at the end.</summary>
    public int TryReadByte() => _next < _end || Fill() ? _buffer[_next++] : -1;

    /// <summary>Fills <paramref name="target"/> or reports that the trace ends inside <paramref name="what"/>.</summary>
    public void ReadExactly(Span<byte> target, string what)
    {
        var start = Offset;
        for (var i = 0; i < target.Length; i++)
        {
            var b = TryReadByte();
            if (b < 0)
                throw new TraceFormatException(Offset, $"the trace ends inside {what}, which starts at offset {start} and is {target.Length} bytes long");
            target[i] = (byte)b;
        }
    }

    /// <summary>A little-endian 32-bit word.</summary>
    public uint ReadUInt32(string what)
    {
        Span<byte> bytes = stackalloc byte[4];
        ReadExactly(bytes, what);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    /// <summary>A little-endian 64-bit word.</summary>
    public ulong ReadUInt64(string what)
    {
        Span<byte> bytes = stackalloc byte[8];
        ReadExactly(bytes, what);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>An unsigned LEB128 number in its shortest form, at most 64 bits.</summary>
    public ulong ReadVarint(string what)
    {
        var start = Offset;
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = TryReadByte();
            if (b < 0)
                throw new TraceFormatException(Offset, $"the trace ends inside {what}");
            if (shift == 63 && b > 1)
                throw new TraceFormatException(start, $"{what} does not fit in 64 bits");
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return b == 0 && shift != 0 ? throw new TraceFormatException(start, $"{what} is written longer than needed") : value;
        }
    }

    private bool Fill()
    {
        _bufferStart += _end;
        _next = 0;
        _end = 0;
        try
        {
            _end = _stream.Read(_buffer, 0, _buffer.Length);
        }
        catch (InvalidDataException e)
        {
            throw new TraceFormatException(_bufferStart, e.Message, e);
        }

        if (_bufferStart + _end > _mostBytes)
            throw new TraceFormatException(_bufferStart, $"the trace is longer than {_mostBytes} bytes, the most this tool reads");
        return _end != 0;
    }
}

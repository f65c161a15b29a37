using System.Buffers.Binary;
using System.IO.Compression;

namespace BitTreeAlloc.Tool.Traces;

/// <summary>
/// Decompresses a file of one gzip member and holds its end against the member's CRC-32 and length. <see cref="GZipStream"/> alone takes a
/// file that is cut off, or followed by anything, for a shorter one. Reports damage as <see cref="InvalidDataException"/> with a message of ours.
/// </summary>
internal sealed class CheckedGzip : Stream
{
    private const int SmallestMember = 18;
    private static readonly uint[] s_crcTable = MakeTable();

    private readonly GZipStream _gzip;
    private readonly uint _expectedCrc;
    private readonly uint _expectedLength;
    private readonly bool _tooShort;
    private uint _crc = uint.MaxValue;
    private uint _length;

    /// <summary>Reads from the start of <paramref name="file"/>, which must be seekable and is left open.</summary>
    public CheckedGzip(Stream file)
    {
        _tooShort = file.Length < SmallestMember;
        if (!_tooShort)
        {
            Span<byte> end = stackalloc byte[8];
            file.Position = file.Length - end.Length;
            file.ReadExactly(end);
            _expectedCrc = BinaryPrimitives.ReadUInt32LittleEndian(end);
            _expectedLength = BinaryPrimitives.ReadUInt32LittleEndian(end[4..]);
        }

        file.Position = 0;
        _gzip = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (_tooShort)
            throw new InvalidDataException("the gzip file is cut off inside its header");
        int n;
        try
        {
            n = _gzip.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException("the gzip data is damaged", e);
        }

        if (n == 0 && (~_crc != _expectedCrc || _length != _expectedLength))
            throw new InvalidDataException("the gzip data is cut off, or something follows its end (its checksum and length do not match)");
        Add(buffer[..n]);
        return n;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _gzip.Dispose();
        base.Dispose(disposing);
    }

    private void Add(ReadOnlySpan<byte> data)
    {
        var crc = _crc;
        foreach (var b in data)
            crc = s_crcTable[(byte)(crc ^ b)] ^ (crc >> 8);
        _crc = crc;
        _length += (uint)data.Length;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var c = i;
            for (var bit = 0; bit < 8; bit++)
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            table[i] = c;
        }

        return table;
    }
}

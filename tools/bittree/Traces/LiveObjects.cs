namespace BitTreeAlloc.Tool.Traces;

/// <summary>Which slot ids are live and how large, with the sums the header claims. Grows with the data, never from a number in the header.</summary>
internal sealed class LiveObjects
{
    private const byte Dead = 0xFF;
    private ulong[] _size = [];
    private byte[] _align = [];

    /// <summary>Objects allocated so far.</summary>
    public ulong Objects { get; private set; }

    /// <summary>Live objects now.</summary>
    public ulong Live { get; private set; }

    /// <summary>Requested bytes of live objects now.</summary>
    public ulong LiveBytes { get; private set; }

    /// <summary>Highest <see cref="Live"/> so far.</summary>
    public ulong PeakLive { get; private set; }

    /// <summary>Highest <see cref="LiveBytes"/> so far.</summary>
    public ulong PeakLiveBytes { get; private set; }

    /// <summary>Requested bytes in total, realloc sizes included.</summary>
    public ulong TotalBytes { get; private set; }

    /// <summary>Notes a new object.</summary>
    public void Allocate(uint id, ulong size, byte alignLog2, long idOffset)
    {
        if (id >= (uint)_size.Length)
            Grow(id, idOffset);
        if (_align[id] != Dead)
            throw new TraceFormatException(idOffset, $"slot {id} is allocated while it is live");
        _align[id] = alignLog2;
        _size[id] = size;
        Objects++;
        PeakLive = Math.Max(PeakLive, ++Live);
        Count(size, 0, idOffset);
    }

    /// <summary>Notes a new size; the object keeps its alignment, which is returned.</summary>
    public byte Resize(uint id, ulong size, long idOffset)
    {
        var align = RequireLive(id, "realloc", idOffset);
        Count(size, _size[id], idOffset);
        _size[id] = size;
        return align;
    }

    /// <summary>Notes the end of an object; returns its size and alignment.</summary>
    public (ulong Size, byte AlignLog2) Free(uint id, long idOffset)
    {
        var align = RequireLive(id, "free", idOffset);
        _align[id] = Dead;
        Live--;
        LiveBytes -= _size[id];
        return (_size[id], align);
    }

    private byte RequireLive(uint id, string verb, long idOffset) => id < (uint)_align.Length && _align[id] != Dead
        ? _align[id]
        : throw new TraceFormatException(idOffset, $"{verb} of slot {id}, which is not live");

    private void Count(ulong size, ulong before, long offset)
    {
        if (size > long.MaxValue - TotalBytes)
            throw new TraceFormatException(offset, "the sizes add up to more than 2^63 bytes");
        TotalBytes += size;
        LiveBytes += size - before;
        PeakLiveBytes = Math.Max(PeakLiveBytes, LiveBytes);
    }

    private void Grow(uint id, long idOffset)
    {
        if (id >= TraceLimits.FreeSlotIds && id > TraceLimits.SlotIdsPerObject * Objects)
            throw new TraceFormatException(idOffset, $"slot {id} runs far ahead of the {Objects} objects allocated so far, though freed slots are used again first");
        var old = _align.Length;
        var length = Math.Max((int)id + 1, Math.Max(256, old * 2));
        Array.Resize(ref _size, length);
        Array.Resize(ref _align, length);
        _align.AsSpan(old).Fill(Dead);
    }
}

using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Traces;

/// <summary>What a decoded event does. The first five are the file's numbers; the last two are resolved while decoding.</summary>
internal enum TraceOp : byte
{
    /// <summary>malloc.</summary>
    Malloc = 0,

    /// <summary>free of an object that was not asked for with an alignment.</summary>
    Free = 1,

    /// <summary>calloc: the bytes read as zero.</summary>
    Calloc = 2,

    /// <summary>realloc.</summary>
    Realloc = 3,

    /// <summary>The memalign family.</summary>
    Memalign = 4,

    /// <summary>free of an object of the memalign family.</summary>
    FreeAligned = 5,

    /// <summary>realloc of an object of the memalign family.</summary>
    ReallocAligned = 6,
}

/// <summary>One event, 16 bytes, with everything a replay needs: nothing is looked up while the clock runs.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TraceEvent
{
    /// <summary>Requested bytes; for a free, the bytes last requested for the object.</summary>
    public ulong Size;

    /// <summary>Slot id.</summary>
    public uint Id;

    /// <summary>What happens.</summary>
    public TraceOp Op;

    /// <summary>log2 of the object's alignment, 0 outside the memalign family.</summary>
    public byte AlignLog2;

    /// <summary>The thread; in a parallel plan, where the thread is known, the <see cref="Replay.PlanFlags"/>.</summary>
    public ushort Thread;
}

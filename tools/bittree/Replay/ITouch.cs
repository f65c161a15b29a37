using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>What a replay writes to the memory it gets.</summary>
internal unsafe interface ITouch
{
    /// <summary>Called with each new or resized allocation.</summary>
    void Write(void* pointer, nuint size);

    /// <summary>Called after each event, also in a run that allocates nothing.</summary>
    void AfterEvent(nuint size);
}

/// <summary>Timed runs: the first byte of each allocation.</summary>
internal readonly unsafe struct FirstByte : ITouch
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(void* pointer, nuint size)
    {
        if (size != 0)
            *(byte*)pointer = 1;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AfterEvent(nuint size)
    {
    }
}

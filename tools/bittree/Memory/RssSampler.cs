using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>Samples the resident set of one thread's events: every 64th, and after each large one, since those move it most.</summary>
internal sealed class RssSampler(RssReader reader)
{
    private const int Every = 64;
    private const nuint Large = 64 * 1024;
    private int _events;

    /// <summary>The highest sample, in bytes.</summary>
    public long Peak { get; private set; }

    /// <summary>Notes an event.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AfterEvent(nuint size)
    {
        if (++_events % Every == 0 || size >= Large)
            Sample();
    }

    /// <summary>Takes a sample.</summary>
    public void Sample() => Peak = Math.Max(Peak, reader.Read());
}

/// <summary>Memory runs: every requested byte, and samples.</summary>
internal readonly unsafe struct EveryByte(RssSampler sampler) : ITouch
{
    /// <inheritdoc/>
    public void Write(void* pointer, nuint size)
    {
        for (nuint done = 0; done < size; done += int.MaxValue)
            Unsafe.InitBlockUnaligned((byte*)pointer + done, 1, (uint)Math.Min(size - done, int.MaxValue));
    }

    /// <inheritdoc/>
    public void AfterEvent(nuint size) => sampler.AfterEvent(size);
}

using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>Random places: a generator of three shifts and a multiplication, none of which waits for the allocator.</summary>
internal struct SlotPicker(int seed)
{
    private ulong _state = ((ulong)(uint)seed + 1) * 0x9E3779B97F4A7C15;

    /// <summary>A number below <paramref name="count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Next(uint count)
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return (nint)((_state >> 32) * count >> 32);
    }
}

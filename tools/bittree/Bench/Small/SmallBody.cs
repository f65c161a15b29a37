using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>
/// One thread's part of a loop over small objects. Timed operations write the first and the last byte of a new object, where the loop says so, and nothing else. Verified ones fill all of it with a
/// pattern of its own, look at every byte again before the free, and compare addresses with those of all that is held.
/// </summary>
internal abstract class SmallBody<TAdapter, TBuffer>(TAdapter adapter, SharedRanges ranges) : LoopBody<TAdapter, TBuffer>(adapter)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>Whether operations are verified instead of timed.</summary>
    protected bool Verifying { get; private set; }

    /// <inheritdoc/>
    public override void Begin(int round, bool verify) => Verifying = verify;

    /// <inheritdoc/>
    public override void End()
    {
    }

    /// <summary>The seed of a round's choices: the same for each contender and in every process.</summary>
    protected static int Seed(int round, int thread) => 6 + (round * 7919) + (thread * 104729);

    /// <summary>Writes the first and the last byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static void Touch(TBuffer buffer, nuint size)
    {
        if (!TAdapter.Allocates)
            return;
        ref var start = ref TAdapter.Start(buffer);
        start = 1;
        Unsafe.AddByteOffset(ref start, size - 1) = 1;
    }

    /// <summary>The place of that number in an array, without a look at the bound.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static ref T At<T>(T[] array, nint number) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(array), number);

    /// <summary>Forgets a buffer that was freed, where it is a reference: to a collected heap that is the free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static void Drop(ref TBuffer buffer)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TBuffer>())
            buffer = default;
    }

    /// <summary>An object, timed or verified; for what is not timed.</summary>
    protected TBuffer Make<TCalls>(ref TAdapter adapter, nuint size, ulong stamp)
        where TCalls : ICalls
    {
        var buffer = TCalls.Alloc<TAdapter, TBuffer>(ref adapter, size);
        if (!TAdapter.Allocates)
            return buffer;
        if (!Verifying)
        {
            Touch(buffer, size);
            return buffer;
        }

        ref var start = ref TAdapter.Start(buffer);
        if (!TAdapter.Moves)
            ranges.Add(ref start, size);
        TCalls.Check(ref start, size);
        for (nuint at = 0; at < size; at++)
            Unsafe.AddByteOffset(ref start, at) = Pattern(stamp, at);
        return buffer;
    }

    /// <summary>Gives it back; verified, looks at it first.</summary>
    protected void Release<TCalls>(ref TAdapter adapter, TBuffer buffer, nuint size, ulong stamp)
        where TCalls : ICalls
    {
        if (Verifying && TAdapter.Allocates)
        {
            ref var start = ref TAdapter.Start(buffer);
            for (nuint at = 0; at < size; at++)
            {
                if (Unsafe.AddByteOffset(ref start, at) != Pattern(stamp, at))
                    throw new LoopCheckException($"byte {at} of an object of {size} bytes has changed while it was held");
            }

            if (!TAdapter.Moves)
                ranges.Remove(ref start, size);
        }

        TCalls.Free(ref adapter, buffer, size);
    }

    private static byte Pattern(ulong stamp, nuint at) => (byte)((stamp + 1) * Golden >> (int)(56 - (at % 8 * 8)));
}

/// <summary>An object that a loop holds.</summary>
internal struct Held<TBuffer>
    where TBuffer : struct
{
    /// <summary>Where it is.</summary>
    public TBuffer Buffer;

    /// <summary>What was asked for.</summary>
    public nuint Size;
}

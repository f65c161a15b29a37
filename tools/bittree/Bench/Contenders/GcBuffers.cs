using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>An array of the garbage-collected heap.</summary>
internal readonly record struct GcArray(byte[] Array);

/// <summary>What a .NET program does by default: a new array, which is zeroed; dropping the reference is the free, and its price is paid at the next collection.</summary>
internal readonly struct GcBuffers : IBenchAdapter<GcBuffers, GcArray>
{
    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool Moves => true;

    /// <inheritdoc/>
    public static Abilities Abilities => Abilities.Small | Abilities.Zeroed | Abilities.Unsized;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GcArray AllocZeroed(ref GcBuffers self, nuint size) => new(New((int)size));

    /// <inheritdoc/>
    public static void FreeUnsized(ref GcBuffers self, GcArray buffer)
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GcArray Alloc(nuint size) => new(New((int)size));

    /// <inheritdoc/>
    public void Free(GcArray buffer, nuint size)
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte Start(GcArray buffer) => ref MemoryMarshal.GetArrayDataReference(buffer.Array);

    /// <inheritdoc/>
    public GcBuffers ForThread() => this;

    /// <inheritdoc/>
    public void CloseThread()
    {
    }

    /// <inheritdoc/>
    public void Trim() => RssReader.Settle();

    /// <inheritdoc/>
    public long? OsCalls() => null;

    /// <inheritdoc/>
    public void Close()
    {
    }

    // Inlined into a pair, an array that nobody sees would be none: the compiler may put it on the stack, or leave it out.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte[] New(int size) => new byte[size];
}

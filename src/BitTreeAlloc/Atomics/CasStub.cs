using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Atomics;

/// <summary>The 16-byte compare-exchange as a small machine-code stub.</summary>
public static unsafe class CasStub
{
    /// <summary>Whether the 16-byte form can be had on this machine.</summary>
    public static bool IsSupported => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool CompareExchange16(Word16* address, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh) => throw new PlatformNotSupportedException();
}

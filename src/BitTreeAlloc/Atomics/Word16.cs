using System.Runtime.InteropServices;

namespace BitTreeAlloc.Atomics;

/// <summary>Two 64-bit halves that change together. 16-byte aligned in memory, or the instruction faults.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public struct Word16
{
    /// <summary>The half at the lower address (half 0).</summary>
    public ulong Low;

    /// <summary>The half at the higher address (half 1).</summary>
    public ulong High;

    /// <summary>Makes a pair of halves.</summary>
    public Word16(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }
}

// Owns: the address of the 16-byte compare-exchange, or the reason why there is none.
// Invariants: the entry is set once, by the type initialiser, after a self-test; the page behind it is never written or unmapped again.
// Callers: HardwareAtomics, only where IsSupported (the core chooses its recycler by it).
// Checked by: tests/unit/Atomics.
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Atomics;

/// <summary>The 16-byte compare-exchange as a small machine-code stub. Every member may be called from any thread.</summary>
/// <remarks>.NET 10 has no 128-bit <c>Interlocked</c> and no intrinsic for the instruction: a few bytes of code on an executable page take its place.</remarks>
public static unsafe class CasStub
{
    // No static constructor: the type stays beforefieldinit, and optimised code that is compiled after the first use holds s_entry as a
    // constant, with no check of the initialiser and no load. nint rather than a function pointer type: the JIT folds it for certain.
    private static readonly (nint Entry, string Reason) s_installed = CasStubInstaller.Install();
    private static readonly nint s_entry = s_installed.Entry;

    /// <summary>Whether the 16-byte form can be had on this machine and in this process. The answer never changes.</summary>
    public static bool IsSupported => s_entry != 0;

    /// <summary>Why the 16-byte form cannot be had, as a sentence for a person; empty where <see cref="IsSupported"/>.</summary>
    public static string Reason => s_installed.Reason;

    /// <summary>Stores the desired halves when both halves at <paramref name="address"/> equal the expected ones; acquire-release, acquire where it fails.</summary>
    /// <remarks>The address is 16-byte aligned, or the instruction faults. Calling it where <see cref="IsSupported"/> is false jumps to address 0. There is no test here because this is the recycler's hot path.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool CompareExchange16(Word16* address, ulong expectedLow, ulong expectedHigh, ulong desiredLow, ulong desiredHigh) =>

        // Suppressed transition: a leaf of nine instructions that never blocks. With the transition a call costs several times the instruction.
        ((delegate* unmanaged[SuppressGCTransition]<Word16*, ulong, ulong, ulong, ulong, int>)s_entry)(
            address, expectedLow, expectedHigh, desiredLow, desiredHigh) != 0;
}

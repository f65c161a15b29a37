using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Atomics;

/// <summary>The shipped instance of <see cref="IAtomics"/>: bare instructions. The sites are constants that the JIT drops.</summary>
public readonly unsafe struct HardwareAtomics : IAtomics
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LoadAcquire(ulong* address, Site site) => Volatile.Read(ref *address);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease(ulong* address, ulong value, Site site) => Volatile.Write(ref *address, value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchangeAcqRel(ulong* address, ulong expected, ulong desired, Site site) =>
        Interlocked.CompareExchange(ref *address, desired, expected) == expected;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ExchangeAcqRel(ulong* address, ulong value, Site site) => Interlocked.Exchange(ref *address, value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FetchAddAcqRel(ulong* address, ulong value, Site site) => Interlocked.Add(ref *address, value) - value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FetchAndAcqRel(ulong* address, ulong mask, Site site) => Interlocked.And(ref *address, mask);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FetchOrAcqRel(ulong* address, ulong mask, Site site) => Interlocked.Or(ref *address, mask);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LoadHalfAcquire(Word16* address, int half, Site site) => Volatile.Read(ref ((ulong*)address)[half]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange16AcqRel(Word16* address, Word16 expected, Word16 desired, Site site) =>
        CasStub.CompareExchange16(address, expected.Low, expected.High, desired.Low, desired.High);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FenceSeqCst(Site site) => Interlocked.MemoryBarrier();

    /// <inheritdoc/>
    public static void FenceProcessWide(Site site) => Interlocked.MemoryBarrierProcessWide();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ReadPlain(ulong* address, Site site) => *address;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WritePlain(ulong* address, ulong value, Site site) => *address = value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteByte(byte* address, byte value, Site site) => *address = value;
}

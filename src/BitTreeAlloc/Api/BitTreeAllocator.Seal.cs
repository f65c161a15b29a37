using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc;

/// <summary>A phase without calls to the operating system.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>
    /// From here on the allocator is to make no call to the operating system: nothing is reserved, committed or purged, and ticks do nothing. What the phase needs is made ready before, by
    /// <see cref="Reserve(nuint, long)"/>, <see cref="PrefaultAsync(nuint, long, CancellationToken)"/> (for no page fault either) and <see cref="WarmUp(ref ThreadCache, nuint, int)"/>. From any thread; another seal replaces it.
    /// </summary>
    /// <param name="onOsCall">What is done where a call cannot be avoided.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not one of the three.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    /// <example><code>
    /// allocator.Reserve(4096, 10_000);
    /// allocator.WarmUp(ref cache, 4096, 1_000);
    /// allocator.Seal(OnOsCall.Refuse);
    /// </code></example>
    public void Seal(OnOsCall onOsCall)
    {
        if (onOsCall is < OnOsCall.Count or > OnOsCall.FailFast)
            throw new ArgumentOutOfRangeException(nameof(onOsCall), onOsCall, "A seal counts calls (Count), refuses them (Refuse) or ends the process (FailFast).");
        HardwareAtomics.StoreRelease(&LiveHeap->SealLine.Value, (ulong)onOsCall, Site.HeapFigures); // order: a setting [H1]
    }

    /// <summary>Ends the phase that <see cref="Seal"/> began.</summary>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public void Unseal() => HardwareAtomics.StoreRelease(&LiveHeap->SealLine.Value, 0, Site.HeapFigures); // order: a setting [H1]

    /// <summary>Whether a seal is on.</summary>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public bool IsSealed => HardwareAtomics.LoadAcquire(&LiveHeap->SealLine.Value, Site.HeapFigures) != 0; // order: a setting [H1]

    internal static void EndForBrokenSeal(VmVerb verb, ulong bytes) =>
        Environment.FailFast($"A sealed BitTreeAllocator had to call the operating system ({verb}, {bytes} bytes). Reserve, Prefault and WarmUp what the phase needs before Seal(OnOsCall.FailFast), or seal with OnOsCall.Refuse or Count.");
}

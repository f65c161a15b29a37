using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc;

/// <summary>Memory made ready before it is asked for.</summary>
public sealed unsafe partial class BitTreeAllocator
{
    /// <summary>
    /// Commits memory for <paramref name="count"/> allocations of that size, live ones included: what is there counts, so a lower number than before does nothing. The memory stays on offer to all,
    /// until a trim or a policy gives pages back (their commitment stays). From any thread.
    /// </summary>
    /// <param name="size">Bytes of one allocation, 0 to <see cref="MaxRegionSize"/>.</param>
    /// <param name="count">How many, 0 or more.</param>
    /// <returns>How many there are now: at least <paramref name="count"/> (whole blocks), or fewer where memory was refused; what was reached stays.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is above <see cref="MaxRegionSize"/>, or the count is negative.</exception>
    /// <exception cref="ObjectDisposedException">The allocator was disposed of.</exception>
    public long Reserve(nuint size, long count) => ReserveLineOf(size, count, false, null).Reached;

    /// <summary>As <see cref="Reserve(nuint, long)"/> for each line of a plan, in its order; tells what was reached of each, and why not more.</summary>
    /// <inheritdoc cref="Reserve(nuint, long)"/>
    public IReadOnlyList<ReserveResult> Reserve(ReservePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var results = new List<ReserveResult>();
        foreach (var line in plan)
            results.Add(ReserveLineOf(line.Size, line.Count, false, null));
        return results;
    }

    /// <summary>
    /// As <see cref="Reserve(nuint, long)"/>, and faults the pages in, on a thread of the pool: the next allocations of that size touch them without a page fault. Pages count as touched from then on.
    /// </summary>
    /// <returns>How many allocations' memory is there, when it is. Cancelled: what was done stays.</returns>
    /// <inheritdoc cref="Reserve(nuint, long)"/>
    public Task<long> PrefaultAsync(nuint size, long count, CancellationToken cancellation = default)
    {
        CheckReserve(size, count);
        return Task.Run(
            () =>
            {
                // A flag that the core may read: a token is a managed object.
                ulong stop = 0;
                var flag = &stop;
                using var registration = cancellation.Register(() => HardwareAtomics.StoreRelease(flag, 1, Site.HeapFigures)); // order: a flag [H1]
                var result = ReserveLineOf(size, count, true, flag);
                cancellation.ThrowIfCancellationRequested();
                return result.Reached;
            },
            cancellation);
    }

    /// <summary>Faults the pages of live memory in, on a thread of the pool, without changing what is in them. The memory has to stay live until the task is complete.</summary>
    /// <param name="pointer">Where the range begins, inside a live allocation of any allocator.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="cancellation">Ends it early; pages that are there stay.</param>
    /// <returns>True: all of them are there. False: the system cannot, or the allocator is sealed, and they come with their first touch.</returns>
    public Task<bool> PrefaultAsync(void* pointer, nuint bytes, CancellationToken cancellation = default)
    {
        const ulong Step = 32 << 20;
        var page = LiveHeap->PageSize;
        var first = (ulong)pointer & ~(page - 1);
        var end = bytes == 0 ? first : ((ulong)pointer + bytes + page - 1) & ~(page - 1);
        return Task.Run(
            () =>
            {
                for (var at = first; at < end; at += Step)
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (!TryVisit(out var heap))
                        throw Errors.Disposed();
                    var status = HeapOs<HardwareAtomics>.Advise(heap, (void*)at, Math.Min(Step, end - at), VmAdvice.Populate);
                    EndVisit();
                    if (status != VmStatus.Ok)
                        return false;
                }

                return true;
            },
            cancellation);
    }

    private static void CheckReserve(nuint size, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if ((ulong)size > (ulong)MaxRegionSize)
            throw new ArgumentOutOfRangeException(nameof(size), size, $"Memory can be made ready for sizes up to {MaxRegionSize} bytes; a larger request is a mapping of its own.");
    }

    private ReserveResult ReserveLineOf(nuint size, long count, bool populate, ulong* stop)
    {
        CheckReserve(size, count);
        if (!TryVisit(out var heap))
            throw Errors.Disposed();
        var reached = _engine.Reserve(heap, size, count, populate, stop, out var outcome);
        EndVisit();
        return new ReserveResult(size, count, reached, Errors.Of(outcome));
    }
}

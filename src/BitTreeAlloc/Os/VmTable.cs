using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>An implementation of <see cref="IVirtualMemory"/> as function pointers and a context: what the core stores, free of managed objects.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct VmTable
{
    /// <summary>Handed to every call.</summary>
    public void* Context;

    internal delegate*<void*, nuint> PageSizeEntry;
    internal delegate*<void*, nuint, nuint, void**, VmStatus> ReserveEntry;
    internal delegate*<void*, void*, nuint, VmStatus> CommitEntry;
    internal delegate*<void*, void*, nuint, VmStatus> PurgeEntry;
    internal delegate*<void*, VmRange*, int, VmStatus> PurgeRangesEntry;
    internal delegate*<void*, void*, nuint, VmStatus> ReleaseEntry;
    internal delegate*<void*, void*, nuint, VmAdvice, VmStatus> AdviseEntry;
    internal delegate*<void*, int> NodeCountEntry;
    internal delegate*<void*, void*, nuint, VmStatus> PurgeLazilyEntry;
    internal delegate*<void*, void*, void*, nuint, VmStatus> MovePagesEntry;
    internal delegate*<void*, void*, nuint, int, VmStatus> CommitHugeEntry;
    internal delegate*<void*, void*, nuint, VmStatus> DropHugeEntry;

    /// <summary>The table of one implementation.</summary>
    public static VmTable Of<TOs>(void* context)
        where TOs : struct, IVirtualMemory => new()
        {
            Context = context,
            PageSizeEntry = &PageSizeOf<TOs>,
            ReserveEntry = &ReserveBy<TOs>,
            CommitEntry = &CommitBy<TOs>,
            PurgeEntry = &PurgeBy<TOs>,
            PurgeRangesEntry = &PurgeRangesBy<TOs>,
            ReleaseEntry = &ReleaseBy<TOs>,
            AdviseEntry = &AdviseBy<TOs>,
            NodeCountEntry = &NodeCountOf<TOs>,
            PurgeLazilyEntry = &PurgeLazilyBy<TOs>,
            MovePagesEntry = &MovePagesBy<TOs>,
            CommitHugeEntry = &CommitHugeBy<TOs>,
            DropHugeEntry = &DropHugeBy<TOs>,
        };

    /// <inheritdoc cref="IVirtualMemory.PageSize"/>
    public readonly nuint PageSize() => PageSizeEntry(Context);

    /// <inheritdoc cref="IVirtualMemory.Reserve"/>
    public readonly VmStatus Reserve(nuint bytes, nuint alignment, void** address) => ReserveEntry(Context, bytes, alignment, address);

    /// <inheritdoc cref="IVirtualMemory.Commit"/>
    public readonly VmStatus Commit(void* address, nuint bytes) => CommitEntry(Context, address, bytes);

    /// <inheritdoc cref="IVirtualMemory.Purge"/>
    public readonly VmStatus Purge(void* address, nuint bytes) => PurgeEntry(Context, address, bytes);

    /// <inheritdoc cref="IVirtualMemory.PurgeRanges"/>
    public readonly VmStatus PurgeRanges(VmRange* ranges, int count) => PurgeRangesEntry(Context, ranges, count);

    /// <inheritdoc cref="IVirtualMemory.Release"/>
    public readonly VmStatus Release(void* address, nuint bytes) => ReleaseEntry(Context, address, bytes);

    /// <inheritdoc cref="IVirtualMemory.Advise"/>
    public readonly VmStatus Advise(void* address, nuint bytes, VmAdvice advice) => AdviseEntry(Context, address, bytes, advice);

    /// <inheritdoc cref="IVirtualMemory.NodeCount"/>
    public readonly int NodeCount() => NodeCountEntry(Context);

    /// <inheritdoc cref="IVirtualMemory.PurgeLazily"/>
    public readonly VmStatus PurgeLazily(void* address, nuint bytes) => PurgeLazilyEntry(Context, address, bytes);

    /// <inheritdoc cref="IVirtualMemory.MovePages"/>
    public readonly VmStatus MovePages(void* from, void* to, nuint bytes) => MovePagesEntry(Context, from, to, bytes);

    /// <inheritdoc cref="IVirtualMemory.CommitHuge"/>
    public readonly VmStatus CommitHuge(void* address, nuint bytes, int pageShift) => CommitHugeEntry(Context, address, bytes, pageShift);

    /// <inheritdoc cref="IVirtualMemory.DropHuge"/>
    public readonly VmStatus DropHuge(void* address, nuint bytes) => DropHugeEntry(Context, address, bytes);

    // A static abstract member has no address of its own: these forwarders do.
    private static nuint PageSizeOf<TOs>(void* context)
        where TOs : struct, IVirtualMemory => TOs.PageSize(context);

    private static VmStatus ReserveBy<TOs>(void* context, nuint bytes, nuint alignment, void** address)
        where TOs : struct, IVirtualMemory => TOs.Reserve(context, bytes, alignment, address);

    private static VmStatus CommitBy<TOs>(void* context, void* address, nuint bytes)
        where TOs : struct, IVirtualMemory => TOs.Commit(context, address, bytes);

    private static VmStatus PurgeBy<TOs>(void* context, void* address, nuint bytes)
        where TOs : struct, IVirtualMemory => TOs.Purge(context, address, bytes);

    private static VmStatus PurgeRangesBy<TOs>(void* context, VmRange* ranges, int count)
        where TOs : struct, IVirtualMemory => TOs.PurgeRanges(context, ranges, count);

    private static VmStatus ReleaseBy<TOs>(void* context, void* address, nuint bytes)
        where TOs : struct, IVirtualMemory => TOs.Release(context, address, bytes);

    private static VmStatus AdviseBy<TOs>(void* context, void* address, nuint bytes, VmAdvice advice)
        where TOs : struct, IVirtualMemory => TOs.Advise(context, address, bytes, advice);

    private static int NodeCountOf<TOs>(void* context)
        where TOs : struct, IVirtualMemory => TOs.NodeCount(context);

    private static VmStatus PurgeLazilyBy<TOs>(void* context, void* address, nuint bytes)
        where TOs : struct, IVirtualMemory => TOs.PurgeLazily(context, address, bytes);

    private static VmStatus MovePagesBy<TOs>(void* context, void* from, void* to, nuint bytes)
        where TOs : struct, IVirtualMemory => TOs.MovePages(context, from, to, bytes);

    private static VmStatus CommitHugeBy<TOs>(void* context, void* address, nuint bytes, int pageShift)
        where TOs : struct, IVirtualMemory => TOs.CommitHuge(context, address, bytes, pageShift);

    private static VmStatus DropHugeBy<TOs>(void* context, void* address, nuint bytes)
        where TOs : struct, IVirtualMemory => TOs.DropHuge(context, address, bytes);
}

using BitTreeAlloc.Os;

namespace BitTreeAlloc.Model.Memory;

/// <summary>The operating system of a scenario: commits and purges change the page and payload cells of the <see cref="ModelHeap"/>; addresses are what the scenario hands out.</summary>
internal readonly unsafe struct ModelSystem : IVirtualMemory
{
    public const ulong Page = 4096;

    public static nuint PageSize(void* context) => (nuint)Page;

    public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address)
    {
        var found = ModelMemory.Current.Heap!.Reserves?.Invoke(bytes) ?? 0;
        *address = (void*)found;
        return found != 0 ? VmStatus.Ok : VmStatus.AddressSpaceExhausted;
    }

    public static VmStatus Commit(void* context, void* address, nuint bytes) =>
        ModelMemory.Current.Heap!.Commit((ulong)address, bytes) ? VmStatus.Ok : VmStatus.CommitRefused;

    public static VmStatus Purge(void* context, void* address, nuint bytes) =>
        !ModelMemory.Current.Heap!.Purge((ulong)address, bytes) ? VmStatus.NotSupported
        : ModelMemory.Current.Heap.PurgeLosesCommit ? VmStatus.CommitRefused : VmStatus.Ok;

    public static VmStatus Release(void* context, void* address, nuint bytes)
    {
        ModelMemory.Current.Heap!.Release((ulong)address);
        return VmStatus.Ok;
    }

    public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice) => VmStatus.Ok;

    public static int NodeCount(void* context) => 1;
}

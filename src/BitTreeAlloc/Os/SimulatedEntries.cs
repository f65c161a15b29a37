using System.Runtime.InteropServices;

namespace BitTreeAlloc.Os;

/// <summary>The entries behind <see cref="SimulatedVirtualMemory.Table"/>: the context is a handle to the object.</summary>
internal readonly unsafe struct SimulatedEntries : IVirtualMemory
{
    public static nuint PageSize(void* context) => Object(context).PageBytes;

    public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address) => Object(context).Reserve(bytes, alignment, address);

    public static VmStatus Commit(void* context, void* address, nuint bytes) => Object(context).Commit((nuint)address, bytes);

    public static VmStatus Purge(void* context, void* address, nuint bytes) => Object(context).Purge((nuint)address, bytes);

    public static VmStatus Release(void* context, void* address, nuint bytes) => Object(context).Release((nuint)address, bytes);

    public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice) => Object(context).Advise((nuint)address, bytes, advice);

    public static VmStatus PurgeLazily(void* context, void* address, nuint bytes) => Object(context).PurgeLazily((nuint)address, bytes);

    public static VmStatus MovePages(void* context, void* from, void* to, nuint bytes) => Object(context).MovePages((nuint)from, (nuint)to, bytes);

    public static VmStatus CommitHuge(void* context, void* address, nuint bytes, int pageShift) => Object(context).CommitHuge((nuint)address, bytes, pageShift);

    public static VmStatus DropHuge(void* context, void* address, nuint bytes) => Object(context).DropHuge((nuint)address, bytes);

    public static int NodeCount(void* context) => Object(context).Nodes;

    private static SimulatedVirtualMemory Object(void* context) => (SimulatedVirtualMemory)GCHandle.FromIntPtr((nint)context).Target!;
}

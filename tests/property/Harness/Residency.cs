using System.Runtime.InteropServices;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>What is resident of everything that an allocator ever committed: the pages themselves, not the book of grants.</summary>
internal static unsafe partial class Residency
{
    private const nuint Page = 4096;

    /// <summary>Options for a system whose log is long enough to find every commit.</summary>
    public static SimulatedVirtualMemoryOptions Logged => new() { LogLimit = 1_000_000 };

    public static nuint Bytes(SimulatedVirtualMemory system)
    {
        var seen = new HashSet<nuint>();
        nuint resident = 0;
        foreach (var call in system.Log.Where(call => call.Verb == VmVerb.Commit && call.Status == VmStatus.Ok))
            for (var page = call.Address; page < call.Address + call.Bytes; page += Page)
            {
                byte state;
                if (seen.Add(page) && MemoryInCore((void*)page, Page, &state) == 0 && (state & 1) != 0)
                    resident += Page;
            }

        return resident;
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int MemoryInCore(void* address, nuint bytes, byte* states);
}

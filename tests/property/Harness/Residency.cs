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
        nuint resident = 0;
        foreach (var page in CommittedPages(system))
        {
            byte state;
            if (MemoryInCore((void*)page, Page, &state) == 0 && (state & 1) != 0)
                resident += Page;
        }

        return resident;
    }

    /// <summary>Pages that are committed now. What was released since may belong to anybody in the process.</summary>
    private static HashSet<nuint> CommittedPages(SimulatedVirtualMemory system)
    {
        var pages = new HashSet<nuint>();
        foreach (var call in system.Log.Where(call => call.Status == VmStatus.Ok))
        {
            for (var page = call.Address; call.Verb is (VmVerb.Commit or VmVerb.Release) && page < call.Address + call.Bytes; page += Page)
            {
                if (call.Verb == VmVerb.Commit)
                    pages.Add(page);
                else if (pages.Count != 0)
                    pages.Remove(page);
            }
        }

        return pages;
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int MemoryInCore(void* address, nuint bytes, byte* states);
}

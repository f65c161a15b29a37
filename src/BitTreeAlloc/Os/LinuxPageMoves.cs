// Owns: nothing. The move of pages between reserved ranges.
// Invariants: a refused move leaves the origin's contents, and no hole in the destination's reservation.
// Callers: LinuxVirtualMemory.MovePages and LinuxHugePages, with checked arguments.
// Checked by: tests/unit/Os (PageMoveTests, LinuxMoveScenarios).
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Os;

/// <summary>mremap in two steps.</summary>
/// <remarks>
/// <para>One MREMAP_FIXED call would do, but it unmaps the destination first and then asks for what the move needs: where it is refused (RLIMIT_DATA, strict overcommit, before Linux 6.17 a
/// range over two mappings) the destination is left as a hole, which the next mmap of any thread may take. And since Linux 6.17 it moves a range over several mappings one by one, and may
/// stop in between. So the pages go to an address of the kernel's choice first: that step unmaps nothing, takes one mapping or none, and all that can be refused is refused there. The second
/// step is a plain move of one mapping: it asks for no memory but page tables, and for its mappings before it unmaps. Measured: 15 instead of 13 µs for 2 MiB, 180 instead of 95 for 512 MiB.</para>
/// </remarks>
internal static unsafe class LinuxPageMoves
{
    // Page tables move whole, and huge pages stay whole, where both ends have the same offset in 2 MiB.
    private const nuint TableBytes = 2 << 20;

    /// <summary>Moves committed pages; see <see cref="IVirtualMemory.MovePages"/>.</summary>
    public static VmStatus Move(void* from, void* to, nuint bytes)
    {
        var between = LinuxCalls.Remap(from, bytes, LinuxCalls.MayMove | LinuxCalls.MoveDontUnmap, FreeAddressLike(from, bytes));
        if ((nint)between == -1)
            return LinuxErrors.OfMove(LinuxCalls.Error());
        var error = MoveOver(between, to, bytes);
        if (error == 0)
            return VmStatus.Ok;
        PutBack(between, from, bytes);
        return error == LinuxErrors.ENOMEM ? VmStatus.TooManyMappings : VmStatus.NotSupported;
    }

    /// <summary>Moves one whole mapping over a reserved range. 0, or the error number: then the mapping is where it was, and the range is reserved.</summary>
    public static int MoveOver(void* mapping, void* to, nuint bytes)
    {
        if (LinuxCalls.Remap(mapping, bytes, LinuxCalls.MayMove | LinuxCalls.MoveFixed, to) == to)
            return 0;
        var error = LinuxCalls.Error();
        Mend(to, bytes);
        return error;
    }

    /// <summary>Reserves a range again where a refused call may have unmapped it; where it did not, nothing happens.</summary>
    /// <remarks>Never MAP_FIXED: a mapping of another thread that came first would be overwritten.</remarks>
    public static void Mend(void* address, nuint bytes)
    {
        var mended = LinuxCalls.Map(address, bytes, LinuxCalls.None, LinuxCalls.Reservation | LinuxCalls.FixedNoReplace, -1, 0);
        if (mended != address && (nint)mended != -1)
            _ = LinuxCalls.Unmap(mended, bytes); // a kernel that does not know the flag took the address for a wish
    }

    /// <summary>Copies contents back to their committed origin and gives the mapping back, in steps, so that one step is resident twice.</summary>
    internal static void PutBack(void* between, void* from, nuint bytes)
    {
        for (nuint done = 0; done < bytes; done += TableBytes)
        {
            var step = nuint.Min(TableBytes, bytes - done);
            Unsafe.CopyBlock((byte*)from + done, (byte*)between + done, (uint)step);
            _ = LinuxCalls.AdviseWithRetry((byte*)between + done, step, LinuxCalls.DontNeed);
        }

        _ = LinuxCalls.Unmap(between, bytes);
    }

    // An address that was free a moment ago, with the same offset in 2 MiB; a wish only. Null, which is no wish, where addresses are short.
    private static void* FreeAddressLike(void* from, nuint bytes)
    {
        if (bytes < TableBytes || bytes + TableBytes < bytes)
            return null;
        var wide = LinuxCalls.Map(null, bytes + TableBytes, LinuxCalls.None, LinuxCalls.Reservation, -1, 0);
        if ((nint)wide == -1)
            return null;
        _ = LinuxCalls.Unmap(wide, bytes + TableBytes);
        return (byte*)wide + (((nuint)from - (nuint)wide) & (TableBytes - 1));
    }
}

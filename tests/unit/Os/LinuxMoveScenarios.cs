using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>Moves of pages in a process of their own, under limits.</summary>
public static unsafe class LinuxMoveScenarios
{
    private const nuint Bytes = 1000 << 20;

    /// <summary>Both ranges count as data for a moment, which is more than 1 500 000 KiB.</summary>
    public static string MoveBeyondLimit()
    {
        if (!Ranges(out var from, out var to))
            return "no ranges";
        var status = SystemVirtualMemory.Table.MovePages(from, to, Bytes);
        return $"{status}, {(from[0] == 1 && from[Bytes - 1] == 2 ? "contents kept" : "contents lost")}, {(Pages.AreMapped(to, Bytes) ? "destination mapped" : "destination unmapped")}";
    }

    public static string OneStepBeyondLimit()
    {
        if (!Ranges(out var from, out var to))
            return "no ranges";
        var moved = LinuxCalls.Remap(from, Bytes, LinuxCalls.MayMove | LinuxCalls.MoveFixed | LinuxCalls.MoveDontUnmap, to);
        return $"{((nint)moved == -1 ? "refused" : "done")}, {(Pages.AreMapped(to, Bytes) ? "destination mapped" : "destination unmapped")}";
    }

    /// <summary>Mappings are used up but for k, for each k up to 16: the first step is refused, then the second, then none.</summary>
    public static string MoveAtTheLimitOfMappings()
    {
        const int Spare = 16;
        const nuint Length = 4 << 20;
        void* fill;
        void* a;
        void* b;
        var os = SystemVirtualMemory.Table;
        var page = os.PageSize();
        var many = (nuint)200_000 * page;
        if (os.Reserve(Length, 2 << 20, &a) != VmStatus.Ok || os.Reserve(Length, 2 << 20, &b) != VmStatus.Ok || os.Reserve(many, page, &fill) != VmStatus.Ok)
            return "no ranges";
        var from = (byte*)a;
        var to = (byte*)b;

        // Each path runs once before, refused and done, so that no code is to be placed at the limit.
        var isKept = true;
        var (refused, done, others) = (0, 0, VmStatus.Ok);
        void Try()
        {
            _ = os.Commit(from, Length);
            (from[0], from[Length / 2], from[Length - 1]) = (1, 2, 3);
            var status = os.MovePages(from, to, Length);
            var at = status == VmStatus.Ok ? to : from;
            isKept &= at[0] == 1 && at[Length / 2] == 2 && at[Length - 1] == 3;
            if (status == VmStatus.Ok)
                done++;
            else if (status == VmStatus.TooManyMappings)
                refused++;
            else
                others = status;
        }

        Try();
        _ = os.MovePages((byte*)b + Length - page, from, 2 * page);
        LinuxPageMoves.PutBack(LinuxCalls.Map(null, Length, LinuxCalls.ReadWrite, LinuxCalls.Reservation, -1, 0), from, Length);
        (refused, done, others) = (0, 0, VmStatus.Ok);
        nuint filled = 0;
        while (filled < many && os.Commit((byte*)fill + filled, page) == VmStatus.Ok)
            filled += 2 * page;
        for (var k = 1; k <= Spare; k++)
        {
            // One page back to no access: a mapping between two others is no longer there.
            filled -= 2 * page;
            _ = SystemVirtualMemory.Seal((byte*)fill + filled, page);
            Try();
        }

        _ = os.Commit(fill, filled);
        _ = os.Release(fill, many);
        return $"{(refused > 0 ? "refused" : "never refused")} and {(done > 0 ? "done" : "never done")}, {(isKept ? "contents kept" : "contents lost")}{(others == VmStatus.Ok ? "" : $", and {others}")}";
    }

    private static bool Ranges(out byte* from, out byte* to)
    {
        void* a = null;
        void* b = null;
        var os = SystemVirtualMemory.Table;
        var ok = os.Reserve(Bytes, 2 << 20, &a) == VmStatus.Ok && os.Reserve(Bytes, 2 << 20, &b) == VmStatus.Ok && os.Commit(a, Bytes) == VmStatus.Ok;
        from = (byte*)a;
        to = (byte*)b;
        if (ok)
            (from[0], from[Bytes - 1]) = (1, 2);
        return ok;
    }
}

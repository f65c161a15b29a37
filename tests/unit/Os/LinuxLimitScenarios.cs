using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>Scenarios that run in a process of their own, under limits.</summary>
public static unsafe partial class LinuxLimitScenarios
{
    /// <summary>By how many MiB the resident memory of the process falls.</summary>
    public static string PurgeHundredMiB()
    {
        const int Bytes = 100 << 20;
        void* address;
        var os = SystemVirtualMemory.Table;
        if (os.Reserve(Bytes, 2 << 20, &address) != VmStatus.Ok || os.Commit(address, Bytes) != VmStatus.Ok)
            return "refused";
        new Span<byte>(address, Bytes).Fill(1);
        var before = Pages.ProcessResidentBytes();
        _ = os.Purge(address, Bytes);
        return $"{(before - Pages.ProcessResidentBytes()) >> 20}";
    }

    public static string CommitTwoGiB()
    {
        void* address;
        var os = SystemVirtualMemory.Table;
        var reserved = os.Reserve((nuint)2 << 30, 2 << 20, &address);
        return reserved == VmStatus.Ok ? $"{os.Commit(address, (nuint)2 << 30)}" : $"Reserve {reserved}";
    }

    public static string ReserveFourGiB()
    {
        void* address;
        return $"{SystemVirtualMemory.Table.Reserve((nuint)4 << 30, 2 << 20, &address)}";
    }

    /// <summary>Every second page committed is a mapping more each time: the kernel's limit (65 530 by default) ends it.</summary>
    public static string CommitEverySecondPage()
    {
        void* address;
        var os = SystemVirtualMemory.Table;
        var page = os.PageSize();
        var bytes = 1_000_000 * page;

        // A first refusal (of a range that is gone) has the whole refusing path compiled: at the limit the runtime may find no room for code.
        if (os.Reserve(page, page, &address) != VmStatus.Ok || os.Release(address, page) != VmStatus.Ok || os.Commit(address, page) != VmStatus.CommitRefused)
            return "no refusal of a hole";
        var status = os.Reserve(bytes, page, &address);
        nuint done = 0;
        for (; status == VmStatus.Ok && done < bytes; done += 2 * page)
        {
            status = os.Commit((byte*)address + done, page);
            if (status == VmStatus.Ok)
                ((byte*)address)[done] = 1;
        }

        // One commit over all of it merges the pieces again. First of all: without a mapping to spare, the runtime itself cannot go on for long.
        var recovered = os.Commit(address, done);
        var kept = true;
        for (nuint at = 0; at < done - (2 * page); at += 2 * page)
            kept &= ((byte*)address)[at] == 1;
        recovered = recovered == VmStatus.Ok ? os.Release(address, bytes) : recovered;
        return $"Commit {status}{(kept ? ", all contents kept" : ", contents lost")}{(recovered == VmStatus.Ok ? ", recovered" : ", stuck")}";
    }

    /// <summary>Nothing may become executable that was not: what hardened systems do to a whole process.</summary>
    public static string CasStubWithoutNewExecutableMemory()
    {
        // Both ways are run before, and the console used, so that the runtime has no code of its own to make executable afterwards.
        Console.WriteLine($"{CasStubInstaller.Install().Entry != 0} {ExecutablePage.Create([0xC3], 0x4000_0000, out _)}");
        if (ProcessControl(65, 1, 0, 0, 0) != 0) // PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
            return "the kernel has no such control";
        var (entry, reason) = CasStubInstaller.Install();
        return $"{entry != 0} {reason}";
    }

    public static string TouchReserved()
    {
        void* address;
        _ = SystemVirtualMemory.Table.Reserve(2 << 20, 2 << 20, &address);
        return $"survived {*(byte*)address}";
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);
}

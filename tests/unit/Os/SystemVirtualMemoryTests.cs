using System.Globalization;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>The contract over the system that runs the tests, and what only a real system shows.</summary>
[Collection("The pool of huge pages")] // not at once: its free pages are counted
public sealed unsafe class SystemVirtualMemoryTests : VirtualMemoryContract
{
    private const nuint MiB = 1 << 20;

    internal override VmTable Os => SystemVirtualMemory.Table;

    [Fact]
    public void This_system_is_supported_and_the_text_for_others_names_them()
    {
        Assert.True(SystemVirtualMemory.IsSupported);
        Assert.Contains("64-bit Linux, Windows and macOS", SystemVirtualMemory.UnsupportedText, StringComparison.Ordinal);
    }

    /// <summary>Only the range asked for stays mapped: the slack of the alignment is given back at both ends.</summary>
    [FactOnLinux]
    public void No_slack_of_an_alignment_stays_reserved()
    {
        var before = AddressSpaceBytes();
        var held = new List<nint>();
        for (var i = 0; i < 64; i++)
        {
            void* spacer;
            void* address;
            Assert.Equal(VmStatus.Ok, Os.Reserve(Os.PageSize(), Os.PageSize(), &spacer));
            Assert.Equal(VmStatus.Ok, Os.Reserve(MiB, 1 << 30, &address));
            held.Add((nint)spacer);
            held.Add((nint)address);
        }

        // Threads and the collector map some memory meanwhile; the slack would be 64 GiB.
        Assert.True(AddressSpaceBytes() - before < 4L << 30);
        for (var i = 0; i < held.Count; i++)
            Assert.Equal(VmStatus.Ok, Os.Release((void*)held[i], i % 2 == 0 ? Os.PageSize() : MiB));
    }

    [FactOnLinux]
    public void Huge_reservations_cost_no_memory()
    {
        void* address;
        Assert.Equal(VmStatus.Ok, Os.Reserve((nuint)1 << 43, 2 << 20, &address));
        Assert.Equal(VmStatus.Ok, Os.Release(address, (nuint)1 << 43));
    }

    [FactOnLinux]
    public void Locked_pages_are_purged_to_zero_or_left_as_they_are_with_a_status()
    {
        using var range = new Range(Os, Os.PageSize());
        var bytes = range.Committed(range.Bytes);
        bytes.Fill(5);
        if (!Pages.Lock(range.Address, range.Bytes))
            return; // RLIMIT_MEMLOCK is 0 here: nothing can be locked
        var status = Os.Purge(range.Address, range.Bytes);
        Assert.True(status is VmStatus.Ok or VmStatus.NotSupported, $"{status}");
        Assert.False(bytes.ContainsAnyExcept(status == VmStatus.Ok ? (byte)0 : (byte)5));
    }

    [FactOnLinux]
    public void Populate_makes_every_page_resident()
    {
        using var range = new Range(Os, 8 * MiB);
        _ = range.Committed(range.Bytes);
        if (Os.Advise(range.Address, range.Bytes, VmAdvice.Populate) == VmStatus.Ok)
            Assert.Equal(range.Bytes, Pages.ResidentBytes(range.Address, range.Bytes));
    }

    [FactOnLinux]
    public void No_verb_allocates_on_the_collected_heap()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            void* address;
            _ = Os.Reserve(MiB, 2 << 20, &address);
            _ = Os.Commit(address, MiB);
            _ = Os.Advise(address, MiB, VmAdvice.HugePages);
            _ = Os.Purge(address, MiB);
            _ = Os.Release(address, MiB);
            _ = Os.Reserve((nuint)1 << 60, 2 << 20, &address);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [FactOnLinux]
    public void Resident_memory_of_the_process_falls_by_what_is_purged()
    {
        var (exitCode, line) = ChildProgram.Run(typeof(LinuxLimitScenarios), nameof(LinuxLimitScenarios.PurgeHundredMiB));
        Assert.Equal(0, exitCode);
        Assert.InRange(int.Parse(line, CultureInfo.InvariantCulture), 96, 104);
    }

    [FactOnLinux]
    public void A_limit_on_data_is_reported_as_a_refused_commit() =>
        Assert.Equal((0, "CommitRefused"), ChildProgram.Run(typeof(LinuxLimitScenarios), nameof(LinuxLimitScenarios.CommitTwoGiB), "-d 1500000"));

    [FactOnLinux]
    public void A_limit_on_addresses_is_reported_as_exhausted_address_space() =>
        Assert.Equal((0, "AddressSpaceExhausted"), ChildProgram.Run(typeof(LinuxLimitScenarios), nameof(LinuxLimitScenarios.ReserveFourGiB), "-v 4000000"));

    [FactIfMappingsAreFew]
    public void Running_out_of_mappings_is_told_apart_from_running_out_of_memory() =>
        Assert.Equal((0, "Commit TooManyMappings, all contents kept, recovered"), ChildProgram.Run(typeof(LinuxLimitScenarios), nameof(LinuxLimitScenarios.CommitEverySecondPage)));

    [FactOnLinux]
    public void A_touch_of_a_reserved_page_ends_the_process()
    {
        var (exitCode, line) = ChildProgram.Run(typeof(LinuxLimitScenarios), nameof(LinuxLimitScenarios.TouchReserved), "-c 0");
        Assert.True(exitCode > 128 && !line.Contains("survived", StringComparison.Ordinal), $"{exitCode} {line}");
    }

    private static long AddressSpaceBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}

using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Atomics;

/// <summary>Executable memory that cannot be had is an answer with a reason.</summary>
public sealed class ExecutablePageTests
{
    [Fact]
    public void Code_that_does_not_fit_a_page_is_refused_with_a_reason()
    {
        Assert.NotEqual("", ExecutablePage.Create(new byte[Environment.SystemPageSize + 1], out var entry));
        Assert.Equal(0, entry);
        Assert.NotEqual("", ExecutablePage.Create([], out entry));
        Assert.Equal(0, entry);
    }

    [FactOnLinux]
    public void A_protection_that_the_system_refuses_is_answered_with_its_error_number()
    {
        Assert.Equal("the system refuses executable memory (errno 22)", ExecutablePage.Create([0xC3], 0x4000_0000, out var entry));
        Assert.Equal(0, entry);
    }

    /// <summary>The page holds the code and traps, can be read and is executable, but not writable.</summary>
    [FactIfCas16]
    public void The_page_is_executable_and_not_writable()
    {
        Assert.Equal("", ExecutablePage.Create([0xC3], out var entry));
        if (!OperatingSystem.IsLinux())
            return;
        var line = File.ReadLines("/proc/self/maps").Single(map =>
            ulong.Parse(map[..map.IndexOf('-', StringComparison.Ordinal)], System.Globalization.NumberStyles.HexNumber, null) <= (ulong)entry
            && ulong.Parse(map[(map.IndexOf('-', StringComparison.Ordinal) + 1)..map.IndexOf(' ', StringComparison.Ordinal)], System.Globalization.NumberStyles.HexNumber, null) > (ulong)entry);
        Assert.Equal("r-xp", line.Split(' ')[1]);
    }

    [FactOnLinux]
    public void A_process_that_may_not_make_memory_executable_gets_a_reason_instead_of_a_stub()
    {
        var (exitCode, text) = ChildProgram.Run(typeof(LinuxLimitScenarios), nameof(LinuxLimitScenarios.CasStubWithoutNewExecutableMemory));
        Assert.Equal(0, exitCode);
        Assert.Matches("(?m)^False the system refuses executable memory|^the kernel has no such control", text);
    }
}

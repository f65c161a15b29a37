using System.Text.RegularExpressions;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Ahead;

/// <summary>What the system saw of a sealed steady phase (SealScenarios): no call and no page fault of the thread; and what it sees without the preparation.</summary>
public sealed class SteadyPhaseTests
{
    [FactOnLinux]
    public void A_sealed_phase_of_mixed_sizes_makes_no_page_fault_and_no_call()
    {
        var (code, line) = ChildProgram.Run(typeof(SealScenarios), nameof(SealScenarios.Sealed));
        Assert.Equal((0, "faults 0 calls 0 broken 0"), (code, line));
    }

    [FactOnLinux]
    public void Control_the_same_phase_unprepared_makes_both()
    {
        var (code, line) = ChildProgram.Run(typeof(SealScenarios), nameof(SealScenarios.Unprepared));
        Assert.Equal(0, code);
        var found = Regex.Match(line, "^faults ([0-9]+) calls ([0-9]+) broken 0$");
        Assert.True(found.Success && int.Parse(found.Groups[1].Value, null) > 100 && int.Parse(found.Groups[2].Value, null) > 10, line);
    }

    [FactIfStrace]
    public void A_trace_of_system_calls_shows_none_of_the_thread_between_the_marks() => Assert.Empty(Trace(nameof(SealScenarios.Sealed)));

    [FactIfStrace]
    public void Control_the_trace_shows_the_calls_of_the_unprepared_phase() => Assert.Contains(Trace(nameof(SealScenarios.Unprepared)), call => call.Contains("madvise", StringComparison.Ordinal) || call.Contains("mprotect", StringComparison.Ordinal) || call.Contains("mmap", StringComparison.Ordinal));

    [Theory]
    [InlineData(nameof(SealScenarios.EndsForBlock))]
    [InlineData(nameof(SealScenarios.EndsForRegion))]
    public void A_call_under_a_fatal_seal_ends_the_process_with_its_name(string scenario)
    {
        var (code, text) = ChildProgram.Run(typeof(SealScenarios), scenario);
        Assert.NotEqual(0, code);
        Assert.Matches("A sealed BitTreeAllocator had to call the operating system \\((Commit|Reserve|Advise), [0-9]+ bytes\\)", text);
        Assert.DoesNotContain("still here", text, StringComparison.Ordinal);
    }

    /// <summary>The calls of the measured thread between its two marks.</summary>
    private static string[] Trace(string scenario)
    {
        var file = Path.GetTempFileName();
        try
        {
            var (code, text) = ChildProgram.RunUnder(["strace", "-f", "-o", file], typeof(SealScenarios), scenario);
            Assert.True(code == 0, text);
            var lines = File.ReadAllLines(file);

            // A call that another thread's overtakes in the trace has a second line, for its end.
            var mark = $"close({SealScenarios.Mark}";
            var first = Array.FindIndex(lines, line => line.Contains(mark, StringComparison.Ordinal));
            var last = Array.FindLastIndex(lines, line => line.Contains(mark, StringComparison.Ordinal));
            Assert.True(first >= 0 && last > first, "the marks are not in the trace");
            var thread = lines[first].Split(' ')[0] + " ";
            return [.. lines[(first + 1)..last].Where(line => line.StartsWith(thread, StringComparison.Ordinal) && !line.Contains("<... close resumed>", StringComparison.Ordinal))];
        }
        finally
        {
            File.Delete(file);
        }
    }
}

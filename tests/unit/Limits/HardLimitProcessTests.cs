using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>The hard limit on the real system: what the process holds resident.</summary>
public sealed class HardLimitProcessTests
{
    private const long LimitKiB = 64 << 10;

    /// <summary>What is not the allocator's: cache records (64 KiB) and what the runtime adds meanwhile.</summary>
    private const long FloorKiB = 4 << 10;

    [FactOnLinux]
    public void A_loop_that_never_has_enough_gets_reasons_and_stays_within_limit_and_floor() => Check("");

    [FactOnLinux]
    public void Under_a_limit_of_the_kernel_s_the_allocator_s_own_is_met_first() => Check("-d 1000000");

    private static void Check(string limits)
    {
        var (code, line) = ChildProgram.Run(typeof(HardLimitScenarios), nameof(HardLimitScenarios.OverAllocate), limits);
        var words = line.Split(' ');
        Assert.True(code == 0 && words is ["LimitReached", _, _, _, "intact", "0", "left"], $"{code}: {line}");
        Assert.True(int.Parse(words[1], null) == 1 && int.Parse(words[2], null) == 2, $"one crossing and two failures are told once each: {line}");
        Assert.InRange(long.Parse(words[3], null), LimitKiB / 2, LimitKiB + FloorKiB);
    }
}

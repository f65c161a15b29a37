using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>Under the kernel's limits on addresses and data.</summary>
public sealed class ProcessLimitTests
{
    [FactOnLinux]
    public void Two_GiB_of_addresses_are_enough_to_work_and_exhausting_them_is_told_and_survived() =>
        Exhausted("-v 2097152", "AddressSpaceExhausted|CommitRefused", largestStretch: 1280);

    [FactOnLinux]
    public void Three_GiB_of_addresses_are_enough_to_work_and_exhausting_them_is_told_and_survived() =>
        Exhausted("-v 3145728", "AddressSpaceExhausted|CommitRefused", largestStretch: 2048);

    [FactOnLinux]
    public void A_limit_on_data_is_told_and_survived() => Exhausted("-d 1000000", "CommitRefused", largestStretch: 20_480);

    [FactOnLinux]
    public void Without_a_limit_the_same_program_takes_the_full_stretch()
    {
        var (code, line) = ChildProgram.Run(typeof(LimitScenarios), nameof(LimitScenarios.Work));
        Assert.True(code == 0 && line.StartsWith("fine", StringComparison.Ordinal), $"{code}: {line}");
        Assert.True(int.Parse(line.Split(' ')[1], null) > 20_480, line);
    }

    [FactOnLinux]
    public void An_ordinary_program_runs_under_two_GiB_of_addresses_and_leaves_most_of_them()
    {
        var (code, line) = ChildProgram.Run(typeof(LimitScenarios), nameof(LimitScenarios.Work), "-v 2097152");
        Assert.True(code == 0 && line.StartsWith("fine", StringComparison.Ordinal), $"{code}: {line}");
        Assert.InRange(int.Parse(line.Split(' ')[1], null), 20, 1024);
    }

    [FactOnLinux]
    public void A_small_first_allocator_does_not_bound_the_caches_of_later_ones()
    {
        Assert.Equal((0, "fine"), ChildProgram.Run(typeof(LimitScenarios), nameof(LimitScenarios.ManyCachesAfterASmallFirstAllocator)));
    }

    private static void Exhausted(string limits, string errors, int largestStretch)
    {
        var (code, line) = ChildProgram.Run(typeof(LimitScenarios), nameof(LimitScenarios.Exhaust), limits);
        var words = line.Split(' ');
        Assert.True(code == 0 && errors.Split('|').Contains(words[0]) && words[1..6].SequenceEqual(["told", "intact", "again", "0", "left,"]), $"{code}: {line}");
        Assert.InRange(int.Parse(words[6], null), 64, 3072);
        Assert.InRange(int.Parse(words[9], null), 20, largestStretch);
    }
}

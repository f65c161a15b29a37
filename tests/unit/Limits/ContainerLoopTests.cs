using System.Globalization;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>W2: in a control group a loop that never has enough gets a reason and goes on; the kernel kills nothing.</summary>
public sealed class ContainerLoopTests(ITestOutputHelper output)
{
    private const long MiB = 1 << 20;
    private const long Limit = 256 * MiB;

    [FactIfMemoryGroup]
    public void Small_objects_meet_the_allocators_limit_before_the_groups() => InGroup(nameof(ContainerLoopScenarios.SmallObjects));

    [FactIfMemoryGroup]
    public void Regions_meet_the_allocators_limit_before_the_groups() => InGroup(nameof(ContainerLoopScenarios.Regions));

    [FactIfMemoryGroup]
    public void Both_together_meet_the_allocators_limit_before_the_groups() => InGroup(nameof(ContainerLoopScenarios.Both));

    [FactIfMemoryGroup]
    public void Lives_that_come_and_go_meet_the_allocators_limit_before_the_groups() => InGroup(nameof(ContainerLoopScenarios.Churn));

    [FactOnLinux]
    public void Under_a_limit_on_data_small_objects_are_refused_with_the_systems_reason() => UnderData(nameof(ContainerLoopScenarios.SmallObjects));

    [FactOnLinux]
    public void Under_a_limit_on_data_regions_are_refused_with_the_systems_reason() => UnderData(nameof(ContainerLoopScenarios.Regions));

    [FactOnLinux]
    public void Under_a_limit_on_data_both_together_are_refused_with_the_systems_reason() => UnderData(nameof(ContainerLoopScenarios.Both));

    /// <summary>The formula's edges, and a soft limit that was set alone.</summary>
    [Fact]
    public void The_groups_limit_leaves_an_eighth_and_what_is_resident_and_a_soft_limit_alone_does_not_lift_it()
    {
        const ulong Size = 256ul << 20;
        Assert.Equal((0ul, 0ul), BitTreeAllocatorOptions.FromContainer(0, 1));
        Assert.Equal(((Size * 7 / 8) - (Size * 7 / 64), Size * 7 / 8), BitTreeAllocatorOptions.FromContainer(Size, 0));
        Assert.Equal(164ul << 20, BitTreeAllocatorOptions.FromContainer(Size, 60ul << 20).Hard);
        Assert.Equal(Size / 16, BitTreeAllocatorOptions.FromContainer(Size, Size).Hard);
        Assert.Equal(Size / 16, BitTreeAllocatorOptions.FromContainer(Size, ulong.MaxValue).Hard);
        Assert.Equal(BitTreeAllocatorOptions.FromContainer(Size, 5), BitTreeAllocatorOptions.WithContainer(0, Size, 5));
        Assert.Equal((1000ul, Size * 7 / 8), BitTreeAllocatorOptions.WithContainer(1000, Size, 0));
        Assert.Equal((1000ul, 0ul), BitTreeAllocatorOptions.WithContainer(1000, 0, 0));
        Assert.Equal((5ul, 10ul), new BitTreeAllocatorOptions { SoftLimitBytes = 5, HardLimitBytes = 10 }.EffectiveLimits);
    }

    private void InGroup(string scenario)
    {
        using var group = MemoryGroup.Create(Limit.ToString(CultureInfo.InvariantCulture));
        var (code, line) = ChildProgram.Run(typeof(ContainerLoopScenarios), scenario, $"-c 0 && echo $$ > {group.Path}/cgroup.procs");
        var peak = Number(group, "memory.max_usage_in_bytes", "memory.peak");
        var refusals = Number(group, "memory.failcnt", "");
        output.WriteLine($"{scenario}: {line}; the group's peak {peak / MiB} MiB of {Limit / MiB}, at its limit {refusals} times");
        var words = line.Split(' ');
        Assert.True(code == 0 && words is ["LimitReached", "LimitReached", _, _, _, _, _, "intact", "0", "told", _, _], $"{code}: {line}");
        var (soft, hard, bytes, again, given) = (Of(2), Of(3), Of(4), Of(5), Of(6));

        // Once for each crossing; the two loops' and one message's failures.
        Assert.True(soft >= 1 && hard == 3, line);
        Assert.True(bytes > given * 3 / 4 && again > given * 3 / 4 && bytes <= given && again <= given, $"{line}: of what it may hold the loop got too little, or too much");
        Assert.True(given > Limit / 2 && (peak == 0 || peak < Limit), $"{line}: the group's peak {peak}");

        long Of(int index) => long.Parse(words[index], CultureInfo.InvariantCulture);
    }

    private void UnderData(string scenario)
    {
        var (code, line) = ChildProgram.Run(typeof(ContainerLoopScenarios), scenario, "-d 600000");
        output.WriteLine($"{scenario}: {line}");
        var words = line.Split(' ');
        Assert.True(code == 0 && words is ["CommitRefused", "CommitRefused", _, _, _, _, _, "intact", "0", "told", _, _], $"{code}: {line}");
        Assert.InRange(long.Parse(words[4], CultureInfo.InvariantCulture), 100 * MiB, 600 * MiB);
    }

    private static long Number(MemoryGroup group, params string[] files)
    {
        foreach (var file in files)
        {
            if (file.Length != 0 && File.Exists($"{group.Path}/{file}"))
                return long.Parse(File.ReadAllText($"{group.Path}/{file}"), CultureInfo.InvariantCulture);
        }

        return 0;
    }
}

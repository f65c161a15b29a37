using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known holes of the ancestors that a whole process shows: mappings, resident memory, children. Each scenario runs in a process of its own. docs/known-holes.md lists them all.</summary>
public sealed class KnownHolesProcess
{
    [FactOnLinux]
    public void Hole_9_a_hundred_thousand_scattered_empty_blocks_need_no_mapping_each()
    {
        var words = Run(nameof(ProcessScenarios.ScatteredBlocks));
        Assert.InRange(words["purged"], 50_000L * 4096, long.MaxValue);
        Assert.InRange(words["empty"], 100_000, 200_000);
        Assert.InRange(words["mappings"], 10, 4096);
    }

    [FactOnLinux]
    public void Hole_9_blocks_that_lose_access_one_by_one_would_be_counted() =>
        Assert.InRange(Run(nameof(ProcessScenarios.ScatteredProtections))["mappings"], 4097, long.MaxValue);

    [FactOnLinux]
    public void Hole_11_caches_of_63_sleeping_threads_go_home_with_a_trim() => StaysLow(nameof(ProcessScenarios.SleepersWithAmbientCaches));

    [FactOnLinux]
    public void Hole_11_parked_caches_of_63_sleeping_threads_hold_nothing() => StaysLow(nameof(ProcessScenarios.SleepersWithParkedCaches));

    [FactOnLinux]
    public void Hole_11_caches_that_are_not_parked_would_be_seen()
    {
        var words = Run(nameof(ProcessScenarios.SleepersWithFullCaches));
        Assert.True(words["after"] > Limit(words), $"{words["after"]} bytes are resident, the limit is {Limit(words)}");
    }

    [FactOnLinux]
    public void Hole_12_resident_memory_of_the_process_falls_to_what_lives()
    {
        var words = Run(nameof(ProcessScenarios.OneThread));
        Assert.True(words["full"] > words["before"] + (200L << 20), $"{words["full"]} bytes were resident");
        Assert.True(words["after"] <= Limit(words), $"{words["after"]} bytes are resident, the limit is {Limit(words)}");
    }

    [FactOnLinux]
    public void Hole_24_a_hundred_children_start_while_threads_allocate_and_inherit_no_memory()
    {
        var words = Run(nameof(ProcessScenarios.Children));
        Assert.Equal(100, words["children"]);
        Assert.InRange(words["live"], 1L << 30, long.MaxValue);
        Assert.InRange(words["largest"], 1, 64L << 20);
        Assert.InRange(words["rounds"], 4, long.MaxValue);
    }

    private static void StaysLow(string scenario)
    {
        var words = Run(scenario);
        Assert.True(words["full"] > words["before"] + (200L << 20), $"{words["full"]} bytes were resident");
        Assert.True(words["after"] <= Limit(words), $"{words["after"]} bytes are resident, {words["before"]} were before, {words["live"]} live: the limit is {Limit(words)}");
    }

    /// <summary>FEATURES W1: the baseline, what lives and 5 % of it, and 2 MiB.</summary>
    private static long Limit(Dictionary<string, long> words) => words["before"] + words["live"] + (words["live"] / 20) + (2 << 20);

    /// <summary>The child's line: names and numbers in turn.</summary>
    private static Dictionary<string, long> Run(string scenario)
    {
        var (code, line) = ChildProgram.Run(typeof(ProcessScenarios), scenario);
        Assert.True(code == 0, $"{scenario} ended with {code}: {line}");
        var words = line.Split('\n')[^1].Split(' ');
        return Enumerable.Range(0, words.Length / 2).ToDictionary(i => words[i * 2], i => long.Parse(words[(i * 2) + 1], null), StringComparer.Ordinal);
    }
}

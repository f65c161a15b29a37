using System.Globalization;
using BitTreeAlloc.Tests.Unit.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>64 threads allocate, free and sleep for ever; one trim brings the process back to where it was, idle threads included.</summary>
public sealed class IdleThreadTests(ITestOutputHelper output)
{
    [FactOnLinux]
    public void One_trim_from_the_64th_thread_empties_the_ambient_caches_of_63_that_sleep() => Emptied(nameof(IdleThreadScenarios.AmbientTrimmedByTheLast));

    [FactOnLinux]
    public void One_trim_from_a_thread_without_a_cache_empties_the_ambient_caches_of_64_that_sleep() => Emptied(nameof(IdleThreadScenarios.AmbientTrimmedByAFreshThread));

    [FactOnLinux]
    public void Explicit_caches_that_were_parked_keep_nothing() => Emptied(nameof(IdleThreadScenarios.ExplicitParked));

    [FactOnLinux]
    public void Explicit_caches_that_were_not_parked_keep_at_most_one_magazine_per_class()
    {
        var found = Run(nameof(IdleThreadScenarios.ExplicitUnparked));
        Assert.InRange(found.Cached, 1, found.Allowed);
        Assert.True(found.Resident <= found.Limit + found.Pinned, $"{found.Resident} bytes are resident above the baseline; {found.Limit} and {found.Pinned} of pages under cached slots are allowed");
    }

    [FactOnLinux]
    public void Control_without_claims_the_sleeping_threads_keep_their_slots() => Assert.True(Run(nameof(IdleThreadScenarios.AmbientNotClaimed)).Cached > 0);

    [FactOnLinux]
    public void Control_without_a_trim_the_process_is_above_the_limit()
    {
        var found = Run(nameof(IdleThreadScenarios.AmbientNotTrimmed));
        Assert.True(found.Resident > 2 * found.Limit, $"{found.Resident} bytes resident, the limit is {found.Limit}");
    }

    private void Emptied(string scenario)
    {
        var found = Run(scenario);
        Assert.Equal(0, found.Cached);
        Assert.True(found.Resident <= found.Limit, $"{found.Resident} bytes are resident above the baseline; {found.Limit} are allowed");
    }

    private (long Resident, long Limit, long Cached, long Allowed, long Pinned) Run(string scenario)
    {
        var (code, line) = ChildProgram.Run(typeof(IdleThreadScenarios), scenario);
        output.WriteLine(line);
        Assert.Equal(0, code);
        var words = line.Split(' ');
        Assert.Equal(("0", "0"), (words[4], words[7])); // live bytes, damaged slots
        var figures = words[..6].Select(word => long.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        return (figures[0], figures[1], figures[2], figures[3], figures[5]);
    }
}

using BitTreeAlloc.Tests.Unit.Traces;
using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;
using BitTreeAlloc.Tool.Verify;

namespace BitTreeAlloc.Tests.Unit.Tool;

/// <summary>Each check of <c>--verify</c> must be able to fail: an allocator with the matching planted bug is reported, one without is not.</summary>
public sealed class VerifyTests
{
    [Theory]
    [InlineData(PlantedBug.Overlap, "overlaps slot")]
    [InlineData(PlantedBug.OverlapAfterRealloc, "overlaps slot")]
    [InlineData(PlantedBug.ForeignWrite, "has changed")]
    [InlineData(PlantedBug.ReallocLosesContent, "has changed (after realloc)")]
    [InlineData(PlantedBug.CallocNotZero, "is not zero")]
    [InlineData(PlantedBug.Misaligned, "is not aligned to 16")]
    [InlineData(PlantedBug.MisalignedMemalign, "is not aligned to")]
    [InlineData(PlantedBug.UsableTooSmall, "usable bytes")]
    [InlineData(PlantedBug.AnswersNull, "answered with null")]
    [InlineData(PlantedBug.Throws, "failed: planted")]
    public void A_planted_bug_is_reported_with_its_event(PlantedBug bug, string text)
    {
        var outcome = Verify(bug, ReplayMode.Serial, threads: 1);
        Assert.True(outcome.Errors > 0, "not reported");
        Assert.Contains(outcome.First, line => line.Contains(text, StringComparison.Ordinal));
        Assert.All(outcome.First, line => Assert.StartsWith("event ", line, StringComparison.Ordinal));
        Assert.True(outcome.First.Count <= VerifyLog.Kept);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 3)]
    [InlineData(true, 1)]
    [InlineData(true, 4)]
    public void An_allocator_without_a_bug_passes(bool parallel, int threads)
    {
        var outcome = Verify(PlantedBug.None, Mode(parallel), threads);
        Assert.Empty(outcome.First);
        Assert.Equal((0, 0), (outcome.Errors, outcome.LeftOver));
    }

    [Theory]
    [InlineData(PlantedBug.CallocNotZero)]
    [InlineData(PlantedBug.ReallocLosesContent)]
    [InlineData(PlantedBug.Overlap)]
    public void Planted_bugs_are_reported_in_parallel_too(PlantedBug bug) => Assert.True(Verify(bug, ReplayMode.Parallel, threads: 3).Errors > 0);

    [Fact]
    public void What_the_allocator_counts_as_live_at_the_end_is_left_over() =>
        Assert.Equal(3, Verify(PlantedBug.LeavesObjects, ReplayMode.Serial, 1).LeftOver);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NativeMemory_passes(bool parallel)
    {
        var contender = ContenderCatalog.Make(ContenderCatalog.Native, Profile.Balanced, Level.Fast, CasWidth.Auto)!;
        var outcome = contender.Verify(new Workload(TestTrace(5000, 3), Mode(parallel)));
        Assert.Empty(outcome.First);
    }

    [PeerFact("mimalloc")]
    public void Mimalloc_passes() => PeerPasses("mimalloc");

    [PeerFact("jemalloc")]
    public void Jemalloc_passes() => PeerPasses("jemalloc");

    [PeerFact("tcmalloc")]
    public void Tcmalloc_passes() => PeerPasses("tcmalloc");

    internal static Trace TestTrace(int events, int threads) =>
        TraceSource.Load(new MemoryStream(MtrWriter.Random(events + threads, events, threads).ToBytes()));

    private static ReplayMode Mode(bool parallel) => parallel ? ReplayMode.Parallel : ReplayMode.Serial;

    private static void PeerPasses(string name)
    {
        var contender = ContenderCatalog.Make(name, Profile.Balanced, Level.Fast, CasWidth.Auto)!;
        Assert.Empty(contender.Verify(new Workload(TestTrace(5000, 1), ReplayMode.Serial)).First);
        Assert.Empty(contender.Verify(new Workload(TestTrace(5000, 3), ReplayMode.Parallel)).First);
    }

    private static VerifyOutcome Verify(PlantedBug bug, ReplayMode mode, int threads)
    {
        using var arena = new BumpAdapter.Arena(bug);
        var contender = new ContenderOf<BumpAdapter>("bump", null, null, () => new BumpAdapter(arena), isInstance: false);
        return contender.Verify(new Workload(TestTrace(3000, threads), mode));
    }
}

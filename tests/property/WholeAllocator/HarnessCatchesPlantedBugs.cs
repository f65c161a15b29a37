using BitTreeAlloc.Tests.Property.Doubles;
using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.WholeAllocator;

/// <summary>Controls: a property that cannot fail shows nothing. Each planted bug must be found, and shrunk to a program a person reads at a glance.</summary>
public sealed class HarnessCatchesPlantedBugs
{
    private const int MostSteps = 3;

    [Fact]
    public void A_correct_double_passes() =>
        PropertyCheck.Holds(ProgramGenerator.Programs(Setup.Default), 150, program => ProgramRunner.Run(program, setup => new NativeDouble(setup)));

    [Fact]
    public void Overlapping_slots_are_found() => Caught(setup => new OverlappingSlots(setup), "overlaps");

    [Fact]
    public void Contents_lost_by_realloc_are_found() => Caught(setup => new LosesContentOnRealloc(setup), "realloc lost contents");

    [Fact]
    public void Zeroed_memory_that_is_not_zero_is_found() => Caught(setup => new DirtyZeroedMemory(setup), "not zero");

    [Fact]
    public void A_wrong_usable_size_is_found() => Caught(setup => new WrongUsableSize(setup), "usable size");

    [Fact]
    public void A_drifting_counter_is_found() => Caught(setup => new DriftingCounter(setup), "LiveBytes");

    [Fact]
    public void A_free_that_writes_user_memory_is_found() => Caught(setup => new FreeWritesUserMemory(setup), "at offset");

    [Fact]
    public void A_forgotten_alignment_is_found() => Caught(setup => new ForgetsLargeAlignments(setup), "not aligned");

    [Fact]
    public void A_wrong_reason_is_found() => Caught(setup => new WrongReason(setup), "expected");

    [Fact]
    public void A_replayed_seed_finds_the_same_program()
    {
        var first = Find(setup => new LosesContentOnRealloc(setup));
        var again = Find(setup => new LosesContentOnRealloc(setup), first.Seed);
        Assert.Equal(first.Shrunk.ToString(), again.Shrunk.ToString());
    }

    private static void Caught(Func<Setup, IAllocatorUnderTest> make, string reason)
    {
        var found = Find(make);
        Assert.Contains(reason, found.ShrunkReason, StringComparison.Ordinal);
        Assert.True(found.Shrunk.Steps.Length <= MostSteps, $"shrunk to {found.Shrunk.Steps.Length} steps only:\n{found}");
    }

    private static Counterexample<AllocatorProgram> Find(Func<Setup, IAllocatorUnderTest> make, string? seed = null)
    {
        var found = PropertyCheck.Search(ProgramGenerator.Programs(Setup.Default), 300, program => ProgramRunner.Run(program, make), seed);
        Assert.NotNull(found);
        return found;
    }
}

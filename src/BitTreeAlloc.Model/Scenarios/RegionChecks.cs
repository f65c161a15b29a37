using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>What must hold of every region at rest: it is a user's, idle in one slot, or on offer; nobody is left inside slots; its word keeps I-Q1 and I-Q2, its cells agree with it, and the charge is what the words say (I-L2).</summary>
internal static unsafe class RegionChecks
{
    /// <summary>End check of all regions.</summary>
    /// <param name="run">The run.</param>
    /// <param name="world">The regions.</param>
    /// <param name="mayHold">Regions that a stopped thread may hold or hide.</param>
    /// <param name="isStopped">Whether parents of a leaf may be wrong: a repair sets them right.</param>
    public static void AtRest(Run run, RegionWorld world, int mayHold = 0, bool isStopped = false)
    {
        var walked = 0ul;
        var hidden = 0;
        var uncertain = 0ul;
        for (var number = 0; number < world.Count; number++)
        {
            var region = world.At(number);
            var word = world.WordOf(number);
            if (region.Index >= ModelAtomics.LoadAcquire(&region.Area->Frontier, Site.None))
            {
                run.Assert(word.Raw == 0, $"region {number} above the frontier is {word}");
                continue;
            }

            walked += word.Touched;
            run.Assert(word.InUse <= word.Touched && word.Touched <= word.Committed, $"I-Q1: region {number} is {word}");
            var problem = Problem(world, number, word, isStopped);
            if (problem == null)
                continue;
            if (mayHold == 0)
                run.Fail(ModelErrorKind.Leak, $"region {number} is {word}: {problem}");
            hidden++;
            uncertain = RegionWorld.Units;
        }

        run.Assert(hidden <= mayHold, $"{hidden} regions are held or hidden by one stopped thread");
        var locked = 0;
        for (var record = 0; record < world.Records; record++)
            locked += world.IsLocked(record) ? 1 : 0;
        run.Assert(locked <= (isStopped ? 1 : 0), $"the slots of {locked} records are somebody's");
        if (world.Setting.IsCharged)
            CheckCharge(run, world, walked, mayHold == 0 ? 0 : Math.Max(uncertain, RegionWorld.Units));
    }

    /// <summary>Why the region is not in exactly one place, or its cells say something else; null where all is well.</summary>
    private static string? Problem(RegionWorld world, int number, RegionWord word, bool isStopped)
    {
        var region = world.At(number);
        var kept = world.SlotsOf(number);
        var isIdle = world.IsIdle(number);
        if (word.IsClaimed)
            return "it is held by nobody";
        if (kept != (isIdle ? 1 : 0))
            return $"{kept} slots have it, and it is {(isIdle ? "" : "not ")}idle";
        if (word.Phase is RegionPhase.Dirty or RegionPhase.Clean && !IsOffered(region, word.Phase, isStopped))
            return "it is free, and its leaf or a parent is clear";
        if (word.Phase == RegionPhase.Clean && word.Touched != 0)
            return "I-Q2: it is clean with pages behind it";
        return CellProblem(world, number, word);
    }

    private static string? CellProblem(RegionWorld world, int number, RegionWord word)
    {
        var used = world.IsIdle(number) ? 0 : word.InUse;
        var user = world.CellOf(number, 0);
        for (var unit = 0; unit < RegionWorld.Units; unit++)
        {
            var cell = world.CellOf(number, unit);
            if (RegionWorld.IsUsed(cell) != ((ulong)unit < used) || (RegionWorld.IsUsed(cell) && cell != user))
                return $"the cell of unit {unit} says {cell:x}";
            if ((ulong)unit >= word.Touched && cell != 0)
                return $"unit {unit} was written and does not count as touched";
            if ((ulong)unit < word.Committed && !world.Users.IsCommitted(RegionWorld.PageName(number, unit)))
                return $"unit {unit} counts as committed and is not";
        }

        return null;
    }

    private static bool IsOffered(RegionRef region, RegionPhase phase, bool isStopped)
    {
        var column = phase == RegionPhase.Dirty ? RegionArea.DirtyColumn : RegionArea.CleanColumn;
        return BitTree<ModelAtomics, FourBlockTrees>.IsSet(&region.Area->Trees, column, region.Index)
            && (isStopped || TreeChecks.HasParents<FourBlockTrees>(&region.Area->Trees, column, region.Index));
    }

    private static void CheckCharge(Run run, RegionWorld world, ulong walked, ulong slack)
    {
        var charged = ModelAtomics.LoadAcquire(&world.Heap->ChargedLine.Value, Site.None) >> RegionWord.UnitShift;
        var touched = ModelAtomics.LoadAcquire(&world.Heap->TouchedLine.Value, Site.None) >> RegionWord.UnitShift;
        run.Assert(charged + slack >= walked && charged <= walked + slack, $"{charged} units are charged, the words say {walked}");
        run.Assert(touched + slack >= walked && touched <= walked + slack, $"{touched} units count as touched, the words say {walked}");
    }
}

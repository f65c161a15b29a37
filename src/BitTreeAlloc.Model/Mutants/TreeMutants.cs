using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using static BitTreeAlloc.Model.Mutants.Mistakes;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Mistakes of the bit-tree.</summary>
internal static class TreeMutants
{
    public static IEnumerable<ProtocolMutant> All()
    {
        yield return new("tree/no-reread", "a parent is cleared and the child not read again", LeaveOut(Site.TreeRereadChild, 0), Site.TreeRereadChild);
        yield return new("tree/parent-by-load", "a parent is set only where a load shows it clear", ParentByLoad, Site.TreeSetParent);
        yield return new("tree/no-parent", "a set ends with the leaf", LeaveOut(Site.TreeSetParent, ulong.MaxValue), Site.TreeSetParent);
        yield return new("tree/no-help", "a set beside another that stopped half-way does not look at the parents", LeaveOut(Site.TreeHelpParent, ulong.MaxValue), Site.TreeHelpParent);
        yield return new("tree/help-by-look", "a set sees a parent clear and leaves it", LeaveOut(Site.TreeHelpSetParent, ulong.MaxValue), Site.TreeHelpSetParent);
        yield return new("tree/clears-all-parents", "a whole parent word is cleared", ClearAll, Site.TreeClearParent);
        yield return new("tree/parent-never-cleared", "nothing clears a parent", LeaveOut(Site.TreeClearParent, ulong.MaxValue), Site.TreeClearParent);
        yield return new("tree/pick-as-and", "a pick clears its bit and does not ask whether it was still set", PickAsAnd, Site.TreeClearLeaf);
        yield return new("tree/pick-as-store", "a pick stores the rest of the word", AsStore(Site.TreeClearLeaf), Site.TreeClearLeaf);
        yield return new("tree/sweep-looks-only", "a sweep repairs nothing", LeaveOut(Site.TreeSweepLeaf, 0), Site.TreeSweepLeaf);
        yield return new("tree/set-as-load", "a set that sees its leaf word in use takes the leaf for set", SetByLoad, Site.TreeSetLeaf);
    }

    private static SeamOperation LoadOf(in SeamOperation operation) => operation with { Kind = EventKind.Read, Rmw = RmwKind.None, Order = MemoryOrder.Acquire };

    private static SeamResult? ParentByLoad(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.TreeSetParent)
            return null;
        var seen = memory.Perform(LoadOf(operation));
        return (seen.Low & operation.Low) != 0 ? seen : memory.Perform(operation);
    }

    private static SeamResult? ClearAll(ModelMemory memory, MutantState state, in SeamOperation operation) =>
        operation.Site == Site.TreeClearParent ? memory.Perform(operation with { Low = 0 }) : null;

    private static SeamResult? PickAsAnd(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.TreeClearLeaf)
            return null;
        memory.Perform(operation with { Rmw = RmwKind.And, Low = ~(operation.Low & ~operation.DesiredLow) });
        return new SeamResult(operation.Low, 0, true);
    }

    private static SeamResult? SetByLoad(ModelMemory memory, MutantState state, in SeamOperation operation)
    {
        if (operation.Site != Site.TreeSetLeaf)
            return null;
        var seen = memory.Perform(LoadOf(operation));
        return seen.Low != 0 ? seen : memory.Perform(operation);
    }
}

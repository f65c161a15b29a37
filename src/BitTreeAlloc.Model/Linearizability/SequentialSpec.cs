namespace BitTreeAlloc.Model.Linearizability;

/// <summary>A sequential object whose whole state is one word.</summary>
internal abstract class SequentialSpec
{
    /// <summary>Names of the operations, by kind.</summary>
    public abstract IReadOnlyList<string> Operations { get; }

    /// <summary>Whether the operation may give its result in <paramref name="state"/>, and what comes after.</summary>
    public abstract bool TryApply(ulong state, in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong next);
}

/// <summary>A stack of nodes 1 … 15, top in the lowest four bits. Results: push 1 or 0 (full); pop the node or 0; take-all the nodes as the state had them.</summary>
internal sealed class StackSpec(int maxDepth) : SequentialSpec
{
    public const int Push = 0;
    public const int Pop = 1;
    public const int TakeAll = 2;

    public override IReadOnlyList<string> Operations { get; } = ["push", "pop", "take-all"];

    public override bool TryApply(ulong state, in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong next)
    {
        switch (operation.Kind)
        {
            case Push:
                var isFull = maxDepth < 16 && state >> ((maxDepth - 1) * 4) != 0;
                next = isFull ? state : (state << 4) | (uint)operation.Argument;
                return isFull == (operation.Result == 0);
            case Pop:
                next = state >> 4;
                return operation.Result == (state & 15);
            default:
                next = 0;
                return operation.Result == state;
        }
    }
}

/// <summary>
/// A set of blocks as a mask. Pick takes any member (the lowest seen; another may be set below meanwhile) and may answer "none" where the set is empty, or beside another pick:
/// one that is about to clear a parent hides what was just set, until it has read the child again. Memory is declared short only after a sweep.
/// </summary>
internal sealed class SetSpec : SequentialSpec
{
    public const int Set = 0;
    public const int Pick = 1;
    public const int Sweep = 2;

    public override IReadOnlyList<string> Operations { get; } = ["set", "pick", "sweep"];

    /// <summary>How often "none" was accepted beside another pick though the set was not empty.</summary>
    public long SpuriousNones { get; private set; }

    public override bool TryApply(ulong state, in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong next)
    {
        next = state;
        switch (operation.Kind)
        {
            case Set:
                next = state | (1ul << operation.Argument);
                return true;
            case Pick when operation.Result == 0:
                if (state == 0)
                    return true;
                var beside = IsBeside(operation, history);
                SpuriousNones += beside ? 1 : 0;
                return beside;
            case Pick:
                var bit = 1ul << (int)(operation.Result - 1);
                next = state & ~bit;
                return (state & bit) != 0;
            default:
                return operation.Result != 0 || state == 0;
        }
    }

    internal static bool IsBeside(in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history)
    {
        for (var other = 0; other < history.Length; other++)
        {
            if ((operation.Beside & (1u << other)) != 0 && history[other].Kind == Pick)
                return true;
        }

        return false;
    }
}

/// <summary>A pool of slots as a mask of the free ones. Take returns one, or 0 where none is free, or beside another operation (one that holds the only block).</summary>
internal sealed class PoolSpec : SequentialSpec
{
    public const int Take = 0;
    public const int Give = 1;

    /// <summary>The argument of a give with empty hands.</summary>
    public const int NoSlot = 255;

    public override IReadOnlyList<string> Operations { get; } = ["take", "give"];

    public override bool TryApply(ulong state, in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong next)
    {
        if (operation.Kind == Give)
        {
            var given = operation.Argument == NoSlot ? 0 : 1ul << operation.Argument;
            next = state | given;
            return (state & given) == 0;
        }

        if (operation.Result == 0)
        {
            next = state;
            return state == 0 || operation.Beside != 0;
        }

        var taken = 1ul << (int)(operation.Result - 1);
        next = state & ~taken;
        return (state & taken) != 0;
    }
}

using BitTreeAlloc.Model.Linearizability;

namespace BitTreeAlloc.Tests.Explorer.SlotArrays;

/// <summary>
/// A bag of items 1 … 8 as a mask, with a bound. Results: give 1 or 0 (full); take the item or 0 (empty); take at one place the item or 0.
/// <paramref name="isStrict"/>: "empty" only of an empty bag, "full" only of a full one. Otherwise as a scan of places may say it: "empty" where every item that is there was given or is taken beside
/// the call, "full" where so many operations on items run beside it that no place need have stayed empty.
/// </summary>
internal sealed class BagSpec(int capacity, bool isStrict) : SequentialSpec
{
    public const int Give = 0;
    public const int Take = 1;
    public const int TakeAt = 2;

    public override IReadOnlyList<string> Operations { get; } = ["give", "take", "take-at"];

    /// <summary>How often an answer was accepted that a strict bag would not have given at that point.</summary>
    public long ScanAnswers { get; private set; }

    public override bool TryApply(ulong state, in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong next)
    {
        next = state;
        switch (operation.Kind)
        {
            case Give when operation.Result != 0:
                next = state | Bit((ulong)operation.Argument);
                return next != state && System.Numerics.BitOperations.PopCount(next) <= capacity;
            case Give:
                var items = System.Numerics.BitOperations.PopCount(state);
                return Accept(items == capacity, items + MovedBeside(operation, history, out _) >= capacity);
            case Take or TakeAt when operation.Result != 0:
                next = state & ~Bit(operation.Result);
                return next != state;
            case Take:
                MovedBeside(operation, history, out var moved);
                return Accept(state == 0, (state & ~moved) == 0);
            default:
                return true; // one empty place says nothing about the others
        }
    }

    private static ulong Bit(ulong item) => 1ul << (int)(item - 1);

    /// <summary>Operations beside this one that moved an item, and which.</summary>
    private static int MovedBeside(in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong items)
    {
        items = 0;
        var count = 0;
        for (var other = 0; other < history.Length; other++)
        {
            if ((operation.Beside & (1u << other)) == 0 || history[other].Result == 0)
                continue;
            items |= Bit(history[other].Kind == Give ? (ulong)history[other].Argument : history[other].Result);
            count++;
        }

        return count;
    }

    private bool Accept(bool isExact, bool isScan)
    {
        if (isExact || isStrict)
            return isExact;
        ScanAnswers += isScan ? 1 : 0;
        return isScan;
    }
}

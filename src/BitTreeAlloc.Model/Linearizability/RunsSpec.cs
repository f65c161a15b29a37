namespace BitTreeAlloc.Model.Linearizability;

/// <summary>
/// Runs in a chunk of up to 16 pages: four bits of state per page, the pages of the run that starts there. A take may return any free place (the lowest seen; another may come free below meanwhile).
/// It may fail where there is no place, beside another take or grow, and where each place has a page that a give or shrink beside it is giving back. A grow may fail beside what a take may fail beside.
/// </summary>
internal sealed class RunsSpec(int pages, int basePage) : SequentialSpec
{
    public const int Take = 0;
    public const int Give = 1;
    public const int Grow = 2;
    public const int Shrink = 3;
    public const int Find = 4;

    public override IReadOnlyList<string> Operations { get; } = ["take", "give", "grow", "shrink", "find"];

    /// <summary>How often a failure was accepted that an object without races would not have given.</summary>
    public long SpuriousFailures { get; private set; }

    public override bool TryApply(ulong state, in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, out ulong next)
    {
        next = state;
        var (low, high) = (operation.Argument & 15, operation.Argument >> 4);
        var run = At(state, low);
        switch (operation.Kind)
        {
            case Take when operation.Result == 0:
                return !HasPlace(TakenIn(state), low, high) || IsExcused(operation, history, taken => !HasPlace(taken | TakenIn(state), low, high));
            case Take:
                var first = (int)operation.Result - 1;
                next = state | ((ulong)low << (4 * first));
                return first + low <= pages && (basePage + first) % high == 0 && (TakenIn(state) & Mask(first, low)) == 0;
            case Give:
                next = state & ~(15ul << (4 * low));
                return operation.Result == (ulong)run;
            case Grow:
                var tail = Mask(low + run, high);
                var fits = run != 0 && low + run + high <= pages && (TakenIn(state) & tail) == 0;
                if (operation.Result == 0)
                    return !fits || IsExcused(operation, history, taken => (taken & tail) != 0);
                next = state + ((ulong)high << (4 * low));
                return fits;
            case Shrink:
                next = run > high ? state - ((ulong)(run - high) << (4 * low)) : state;
                return true;
            default:
                for (first = low; first >= 0 && At(state, first) == 0; first--)
                {
                }

                return operation.Result == (first >= 0 && first + At(state, first) > low ? ((ulong)At(state, first) << 8) | (uint)first : 0);
        }
    }

    /// <summary>A bit per page that a run of the state covers.</summary>
    public static ulong TakenIn(ulong state)
    {
        var taken = 0ul;
        for (var page = 0; page < 16; page++)
            taken |= Mask(page, At(state, page));
        return taken;
    }

    private static int At(ulong state, int page) => (int)(state >> (4 * page)) & 15;

    private static ulong Mask(int first, int count) => ((1ul << count) - 1) << first;

    private bool HasPlace(ulong taken, int count, int alignment)
    {
        for (var first = 0; first + count <= pages; first++)
        {
            if ((basePage + first) % alignment == 0 && (taken & Mask(first, count)) == 0)
                return true;
        }

        return false;
    }

    private bool IsExcused(in HistoryOperation operation, ReadOnlySpan<HistoryOperation> history, Func<ulong, bool> isBlockedBy)
    {
        var leaving = 0ul;
        var excused = false;
        for (var other = 0; other < history.Length; other++)
        {
            if ((operation.Beside & (1u << other)) == 0)
                continue;
            var (low, high) = (history[other].Argument & 15, history[other].Argument >> 4);
            excused |= history[other].Kind is Take or Grow;
            leaving |= history[other].Kind switch
            {
                Give => Mask(low, (int)history[other].Result),
                Shrink => Mask(low + high, pages - low - high),
                _ => 0,
            };
        }

        excused |= isBlockedBy(leaving);
        SpuriousFailures += excused ? 1 : 0;
        return excused;
    }
}

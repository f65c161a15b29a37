using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Linearizability;

/// <summary>One completed operation of a history.</summary>
/// <param name="Thread">Who did it.</param>
/// <param name="Kind">Which operation of the specification.</param>
/// <param name="Argument">Its argument.</param>
/// <param name="Result">What it returned.</param>
/// <param name="Before">The operations that happened before this one began, as a mask of their numbers.</param>
/// <param name="Beside">Operations that neither happened before nor after it, as a mask.</param>
internal readonly record struct HistoryOperation(int Thread, int Kind, int Argument, ulong Result, uint Before, uint Beside);

/// <summary>
/// The operations of one execution and their order: A is before B where the end of A happens before the beginning of B (the weak-memory reading of real time: CDSSpec, Relinche).
/// </summary>
internal sealed class History
{
    /// <summary>Most operations of a history.</summary>
    public const int MaxOperations = 12;

    private readonly HistoryOperation[] _operations = new HistoryOperation[MaxOperations];
    private readonly int[] _starts = new int[MaxOperations];
    private readonly int[] _ends = new int[MaxOperations];

    public int Count { get; private set; }

    public ReadOnlySpan<HistoryOperation> Operations => _operations.AsSpan(0, Count);

    /// <summary>A number that two different histories share by accident only.</summary>
    public ulong Hash { get; private set; }

    /// <summary>Reads the history of the current execution; every result of every thread has to be an operation's.</summary>
    public void Read(Run run, int threads)
    {
        Count = 0;
        for (var thread = 0; thread < threads; thread++)
        {
            for (var number = 0; number < run.ResultCountOf(thread); number++)
            {
                var packed = run.ResultOf(thread, number);
                _starts[Count] = (byte)(packed >> 8);
                _ends[Count] = (byte)packed;
                _operations[Count++] = new HistoryOperation(thread, (int)(packed >> 56), (byte)(packed >> 48), (uint)(packed >> 16), 0, 0);
            }
        }

        Order((IHistoryEngine)run.Engine);
    }

    public string Print(IReadOnlyList<string> names) =>
        string.Join("; ", Enumerable.Range(0, Count).Select(number =>
            $"{number}: T{_operations[number].Thread} {names[_operations[number].Kind]}({_operations[number].Argument}) = {_operations[number].Result:x}"
            + $" after {{{string.Join(',', Enumerable.Range(0, Count).Where(other => (_operations[number].Before & (1u << other)) != 0))}}}"));

    private void Order(IHistoryEngine engine)
    {
        var hash = 14695981039346656037ul;
        for (var number = 0; number < Count; number++)
        {
            var before = 0u;
            var after = 0u;
            for (var other = 0; other < Count; other++)
            {
                if (other == number)
                    continue;
                if (IsBefore(engine, other, number))
                    before |= 1u << other;
                else if (IsBefore(engine, number, other))
                    after |= 1u << other;
            }

            var all = ((1u << Count) - 1) & ~(1u << number);
            var operation = _operations[number] with { Before = before, Beside = all & ~before & ~after };
            _operations[number] = operation;
            hash = Mix(Mix(Mix(hash, ((ulong)operation.Thread << 32) | ((ulong)operation.Kind << 16) | (uint)operation.Argument), operation.Result), before | ((ulong)after << 32));
        }

        Hash = hash;
    }

    private bool IsBefore(IHistoryEngine engine, int first, int second)
    {
        if (_operations[first].Thread == _operations[second].Thread)
            return first < second;
        return engine.HappensBefore(_operations[first].Thread, _ends[first], _operations[second].Thread, _starts[second]);
    }

    private static ulong Mix(ulong hash, ulong value)
    {
        hash = (hash ^ value) * 0x9E3779B97F4A7C15ul;
        return hash ^ (hash >> 29);
    }
}

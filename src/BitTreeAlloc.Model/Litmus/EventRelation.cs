using System.Numerics;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>
/// A relation over at most 64 events, one row of bits per event, with the algebra in which memory models are written down. Slow and plain on purpose: it belongs to the enumerator, which
/// judges the engine, and shares no code with it.
/// </summary>
internal sealed class EventRelation(int events)
{
    /// <summary>Most events.</summary>
    public const int MaxEvents = 64;

    private readonly ulong[] _rows = new ulong[events];

    public bool this[int from, int to] => (_rows[from] >> to & 1) != 0;

    /// <summary>The identity on a set.</summary>
    public static EventRelation Identity(int events, ulong set)
    {
        var result = new EventRelation(events);
        for (var number = 0; number < events; number++)
            result._rows[number] = set & (1ul << number);
        return result;
    }

    public void Add(int from, int to) => _rows[from] |= 1ul << to;

    /// <summary>Union.</summary>
    public static EventRelation operator |(EventRelation left, EventRelation right)
    {
        var result = new EventRelation(left._rows.Length);
        for (var row = 0; row < result._rows.Length; row++)
            result._rows[row] = left._rows[row] | right._rows[row];
        return result;
    }

    /// <summary>Composition: first <paramref name="left"/>, then <paramref name="right"/>.</summary>
    public static EventRelation operator *(EventRelation left, EventRelation right)
    {
        var result = new EventRelation(left._rows.Length);
        for (var row = 0; row < result._rows.Length; row++)
        {
            for (var rest = left._rows[row]; rest != 0; rest &= rest - 1)
                result._rows[row] |= right._rows[BitOperations.TrailingZeroCount(rest)];
        }

        return result;
    }

    /// <summary>The pairs that begin in one set and end in another.</summary>
    public EventRelation Between(ulong from, ulong to)
    {
        var result = new EventRelation(_rows.Length);
        for (var row = 0; row < _rows.Length; row++)
            result._rows[row] = (from >> row & 1) != 0 ? _rows[row] & to : 0;
        return result;
    }

    /// <summary>With every event related to itself.</summary>
    public EventRelation OrEqual() => this | Identity(_rows.Length, ulong.MaxValue);

    /// <summary>Transitive closure (Warshall).</summary>
    public EventRelation Closure()
    {
        var result = this | this;
        for (var middle = 0; middle < _rows.Length; middle++)
        {
            for (var row = 0; row < _rows.Length; row++)
            {
                if (result[row, middle])
                    result._rows[row] |= result._rows[middle];
            }
        }

        return result;
    }

    public bool IsIrreflexive()
    {
        for (var row = 0; row < _rows.Length; row++)
        {
            if (this[row, row])
                return false;
        }

        return true;
    }

    public bool IsAcyclic() => Closure().IsIrreflexive();
}

using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Linearizability;

/// <summary>
/// Wing and Gong's search for an order of the operations that the sequential object explains, with Lowe's memo: a pair (operations done, state) is tried once.
/// Each distinct history is searched once; executions are far more than histories.
/// </summary>
internal sealed class LinearizabilityChecker(SequentialSpec spec, ulong initial)
{
    private readonly History _history = new();
    private readonly HashSet<ulong> _accepted = [];
    private readonly HashSet<(uint Done, ulong State)> _tried = [];

    /// <summary>Distinct histories seen.</summary>
    public int Histories => _accepted.Count;

    /// <summary>Executions checked.</summary>
    public long Checked { get; private set; }

    /// <summary>Checks the current execution; its end state has to be <paramref name="final"/>, where given.</summary>
    public void Check(Run run, int threads, ulong? final = null)
    {
        Checked++;
        _history.Read(run, threads);
        if (!_accepted.Add(_history.Hash ^ ((final ?? 0) * 0xD6E8FEB86659FD93ul)))
            return;
        _tried.Clear();
        if (!Search(0, initial, final))
            throw new ModelErrorException(ModelErrorKind.NotLinearizable, $"no order of the operations explains: {_history.Print(spec.Operations)}{(final == null ? "" : $"; at the end {final:x}")}");
    }

    private bool Search(uint done, ulong state, ulong? final)
    {
        var operations = _history.Operations;
        if (done == (1u << operations.Length) - 1)
            return final == null || state == final;
        if (!_tried.Add((done, state)))
            return false;
        for (var number = 0; number < operations.Length; number++)
        {
            if ((done & (1u << number)) != 0 || (operations[number].Before & ~done) != 0)
                continue;
            if (spec.TryApply(state, operations[number], operations, out var next) && Search(done | (1u << number), next, final))
                return true;
        }

        return false;
    }
}

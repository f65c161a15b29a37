namespace BitTreeAlloc.Os;

/// <summary>Which calls of a <see cref="SimulatedVirtualMemory"/> fail. Guarded by its owner's gate.</summary>
internal sealed class SimulatedFaults
{
    private readonly List<Rule> _rules = [];

    /// <summary>Calls that were made to fail.</summary>
    public long Injected { get; private set; }

    /// <summary>Adds a rule: the <paramref name="k"/>-th call from now that matches fails, once or (<paramref name="repeat"/>) each k-th.</summary>
    public void Add(VmVerb? verb, long k, bool repeat, VmStatus? status) => _rules.Add(new Rule { Verb = verb, Left = k, Every = repeat ? k : 0, Status = status });

    /// <summary>Forgets every rule.</summary>
    public void Clear() => _rules.Clear();

    /// <summary>Counts one call in every rule; the status it must fail with, or <see cref="VmStatus.Ok"/>.</summary>
    public VmStatus Next(VmVerb verb)
    {
        var answer = VmStatus.Ok;
        for (var i = _rules.Count - 1; i >= 0; i--)
        {
            var rule = _rules[i];
            if ((rule.Verb is { } only && only != verb) || --rule.Left > 0)
                continue;
            answer = rule.Status ?? Usual(verb);
            if (rule.Every > 0)
                rule.Left = rule.Every;
            else
                _rules.RemoveAt(i);
        }

        if (answer != VmStatus.Ok)
            Injected++;
        return answer;
    }

    /// <summary>What a system answers where a verb fails for lack of something.</summary>
    private static VmStatus Usual(VmVerb verb) => verb switch
    {
        VmVerb.Reserve => VmStatus.AddressSpaceExhausted,
        VmVerb.Commit or VmVerb.CommitHuge => VmStatus.CommitRefused,
        VmVerb.Release or VmVerb.DropHuge => VmStatus.TooManyMappings,
        _ => VmStatus.NotSupported,
    };

    private sealed class Rule
    {
        public VmVerb? Verb { get; init; }

        public long Left { get; set; }

        public long Every { get; init; }

        public VmStatus? Status { get; init; }
    }
}

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Every scenario on the shipped code, as factories: a scenario's memory belongs to one exploration.</summary>
public static class Scenarios
{
    /// <summary>The named scenarios.</summary>
    public static IReadOnlyList<Func<Scenario>> All { get; } = [() => new PopPush(true, 2, 2), () => new PopPush(false, 2, 2)];

    /// <summary>The scenario of that name, or null.</summary>
    public static Scenario? Find(string name) => All.Select(make => make()).FirstOrDefault(scenario => scenario.Name == name);
}

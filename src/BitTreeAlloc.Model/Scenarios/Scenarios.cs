namespace BitTreeAlloc.Model.Scenarios;

/// <summary>Every scenario on the shipped code, as factories: a scenario's memory belongs to one exploration.</summary>
public static class Scenarios
{
    /// <summary>The named scenarios, in the order of the layers.</summary>
    public static IReadOnlyList<Func<Scenario>> All { get; } = [.. RecyclerScenarios.All(), .. TreeScenarios.All(), .. BlockScenarios.All(), .. HeapScenarios.All(), .. PageRunScenarios.All(), .. ExactRegionScenarios.All(), .. RegionScenarios.All(), .. CacheScenarios.All()];

    /// <summary>The scenario of that name, or null.</summary>
    public static Scenario? Find(string name) => All.Select(make => make()).FirstOrDefault(scenario => scenario.Name == name);
}

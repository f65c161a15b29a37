using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Support;

/// <summary>The scenarios that every engine runs. A scenario keeps what it prepared, so each run makes its own.</summary>
internal static class ScenarioList
{
    private static readonly Dictionary<string, Func<Scenario>> s_byName = BitTreeAlloc.Model.Scenarios.Scenarios.All.ToDictionary(make => make().Name);

    public static IEnumerable<string> Names => s_byName.Keys;

    public static Scenario Make(string name) => s_byName[name]();
}

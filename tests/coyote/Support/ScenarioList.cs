using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Support;

/// <summary>The scenarios that every engine runs. A scenario keeps what it prepared, so each run makes its own.</summary>
internal static class ScenarioList
{
    private static readonly Func<Scenario>[] s_factories =
    [
        () => new PopPush(wide: true, threads: 2, nodes: 2),
        () => new PopPush(wide: false, threads: 2, nodes: 2),
        () => new PopPush(wide: true, threads: 2, nodes: 1),
        () => new PopPush(wide: true, threads: 3, nodes: 2),
        () => new PopPush(wide: false, threads: 3, nodes: 2),
    ];

    private static readonly Dictionary<string, Func<Scenario>> s_byName = s_factories.ToDictionary(make => make().Name);

    public static IEnumerable<string> Names => s_byName.Keys;

    public static Scenario Make(string name) => s_byName[name]();
}

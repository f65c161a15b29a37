using Mono.Cecil;

namespace BitTreeAlloc.Tests.Architecture.Layers;

/// <summary>The six parts, lowest first: Atomics, Bits, Os, Core, Api (the root namespace), Diagnostics. A part names only itself and those before it.</summary>
public sealed class PartsCallOnlyDownwards
{
    private static readonly string[] s_parts = ["Atomics", "Bits", "Os", "Core", "", "Diagnostics"];

    // Uses upwards that the founders decided to allow: "user -> used". None so far.
    private static readonly HashSet<string> s_allowed = [];

    [Fact]
    public void No_part_names_a_type_of_a_part_above_it()
    {
        var found = Violations(Assemblies.Library, "BitTreeAlloc").ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [Fact]
    public void Every_type_belongs_to_a_part()
    {
        var strays = Assemblies.Library.GetTypes()
            .Where(type => References.Namespace(type).StartsWith("BitTreeAlloc", StringComparison.Ordinal) && Height(References.Namespace(type), "BitTreeAlloc") < 0);
        Assert.Empty(strays.Select(type => type.FullName));
    }

    [Theory]
    [InlineData("Planted.Atomics.UsesOsAsLocal")]
    [InlineData("Planted.Bits.UsesOsByCall")]
    [InlineData("Planted.Os.UsesCoreAsField")]
    [InlineData("Planted.Core.UsesApiAsParameter")]
    [InlineData("Planted.Core.UsesApiAsGenericArgument")]
    [InlineData("Planted.Core.UsesApiAsFunctionPointer")]
    [InlineData("Planted.Core.UsesApiAsConstraint`1")]
    [InlineData("Planted.ApiUsesDiagnosticsAsBase")]
    [InlineData("Planted.Core.Outer/UsesApiInNestedType")]
    public void A_planted_use_upwards_is_found(string user) =>
        Assert.Contains(Violations(Assemblies.Tests, "Planted"), found => found.StartsWith(user + " ", StringComparison.Ordinal));

    [Fact]
    public void A_use_downwards_is_not_told() =>
        Assert.DoesNotContain(Violations(Assemblies.Tests, "Planted"), found => found.StartsWith("Planted.PublicType", StringComparison.Ordinal));

    private static IEnumerable<string> Violations(ModuleDefinition module, string root) =>
        (from use in References.Of(module)
         let user = Height(References.Namespace(use.User), root)
         let used = Height(References.Namespace(use.Used), root)
         where user >= 0 && used > user && !s_allowed.Contains($"{use.User.FullName} -> {use.Used.FullName}")
         select $"{use.User.FullName} names {use.Used.FullName} above it, in {use.Where}").Distinct();

    private static int Height(string name, string root) =>
        name == root ? Array.IndexOf(s_parts, "")
        : name.StartsWith(root + ".", StringComparison.Ordinal) ? Array.IndexOf(s_parts, name[(root.Length + 1)..].Split('.')[0])
        : -1;
}

using BitTreeAlloc.Tests.Architecture.Layers;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace BitTreeAlloc.Tests.Architecture.Purity;

/// <summary>Core, Bits and Atomics allocate nothing on the GC heap, throw nothing and hold no managed object (principle 9 of the design).</summary>
public sealed class CoreIsFreeOfManagedObjects
{
    // Methods that may break the rule, with the reason. Installing the compare-exchange stub happens once, before anything is served.
    private static readonly string[] s_allowed = ["BitTreeAlloc.Atomics.CasStub::.cctor", "BitTreeAlloc.Atomics.CasStubInstaller", "BitTreeAlloc.Atomics.CacheFlush"];

    [Fact]
    public void No_method_throws_or_makes_an_object()
    {
        var found = Assemblies.Library.GetTypes().Where(Assemblies.IsCore).SelectMany(Breaches).Where(breach => !s_allowed.Any(breach.Contains)).ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [Fact]
    public void No_type_of_the_core_has_a_static_constructor()
    {
        var found = Assemblies.Library.GetTypes().Where(type => References.Namespace(type) == "BitTreeAlloc.Core" && HasStaticConstructor(type));
        Assert.Empty(found.Select(type => type.FullName));
    }

    [Fact]
    public void No_struct_of_the_core_holds_a_managed_object()
    {
        var found = Assemblies.Library.GetTypes().Where(Assemblies.IsCore).SelectMany(ManagedFields).Where(field => !s_allowed.Any(field.Contains)).ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [Theory]
    [InlineData(nameof(PlantedImpurities.Throws))]
    [InlineData(nameof(PlantedImpurities.MakesObject))]
    [InlineData(nameof(PlantedImpurities.MakesArray))]
    [InlineData(nameof(PlantedImpurities.Boxes))]
    [InlineData(nameof(PlantedImpurities.MakesDelegate))]
    public void A_planted_breach_is_found(string method) => Assert.Contains(Breaches(Planted(typeof(PlantedImpurities))), breach => breach.Contains("::" + method + "(", StringComparison.Ordinal));

    [Fact]
    public void A_clean_method_a_planted_field_and_a_planted_static_constructor_are_told_apart()
    {
        Assert.DoesNotContain(Breaches(Planted(typeof(PlantedImpurities))), breach => breach.Contains("::" + nameof(PlantedImpurities.IsClean) + "(", StringComparison.Ordinal));
        Assert.Single(ManagedFields(Planted(typeof(PlantedRecord))));
        Assert.True(HasStaticConstructor(Planted(typeof(PlantedImpurities))));
        Assert.False(HasStaticConstructor(Planted(typeof(PlantedRecord))));
    }

    private static TypeDefinition Planted(Type type) => Assemblies.Tests.GetType(type.FullName);

    private static bool HasStaticConstructor(TypeDefinition type) => type.Methods.Any(method => method.IsConstructor && method.IsStatic);

    private static IEnumerable<string> Breaches(TypeDefinition type) =>
        from method in type.Methods
        where method.HasBody
        from instruction in method.Body.Instructions
        let breach = Breach(instruction)
        where breach is not null
        select $"{method.FullName}: {breach}";

    private static string? Breach(Instruction instruction) => instruction.OpCode.Code switch
    {
        Code.Throw or Code.Rethrow => "throws",
        Code.Newarr => "makes an array",
        Code.Box when instruction.Operand is not GenericParameter => $"boxes {instruction.Operand}",
        Code.Newobj when instruction.Operand is MethodReference constructor && !IsValueType(constructor.DeclaringType) => $"makes a {constructor.DeclaringType}",
        _ => null,
    };

    private static IEnumerable<string> ManagedFields(TypeDefinition type) =>
        type.IsValueType && !type.IsEnum ? type.Fields.Where(field => IsManaged(field.FieldType)).Select(field => field.FullName) : [];

    private static bool IsManaged(TypeReference type) => type switch
    {
        PointerType or FunctionPointerType or GenericParameter => false,
        RequiredModifierType modified => IsManaged(modified.ElementType),
        _ => !IsValueType(type),
    };

    private static bool IsValueType(TypeReference type) => type.IsPrimitive || type.IsValueType || type.Resolve() is { IsValueType: true };
}

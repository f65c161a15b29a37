using BitTreeAlloc.Tests.Architecture.Layers;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace BitTreeAlloc.Tests.Architecture.Atomics;

/// <summary>Interlocked, Volatile, fences, volatile fields and locks appear in the Atomics part alone, so that what ships is what is checked.</summary>
public sealed class AtomicsHaveOnePlace
{
    private static readonly HashSet<string> s_types =
    [
        "System.Threading.Interlocked", "System.Threading.Volatile", "System.Threading.Monitor", "System.Threading.Lock", "System.Threading.SpinLock",
        "System.Threading.Mutex", "System.Threading.SemaphoreSlim", "System.Threading.ReaderWriterLockSlim",
    ];

    // The simulated operating system is a test double with one book: its lock is explained where it stands. The Api may guard what happens once in a life.
    private static readonly HashSet<string> s_allowed = ["BitTreeAlloc.Os.SimulatedVirtualMemory"];

    [Fact]
    public void The_library_names_atomics_only_in_its_Atomics_part()
    {
        var found = Uses(Assemblies.Library).Where(use => use.Part != "BitTreeAlloc.Atomics" && !s_allowed.Contains(use.Type)).ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [Fact]
    public void The_Atomics_part_itself_is_seen() => Assert.Contains(Uses(Assemblies.Library), use => use.Part == "BitTreeAlloc.Atomics");

    [Theory]
    [InlineData(nameof(PlantedAtomics.CallsInterlocked))]
    [InlineData(nameof(PlantedAtomics.CallsVolatile))]
    [InlineData(nameof(PlantedAtomics.CallsFence))]
    [InlineData(nameof(PlantedAtomics.TakesLock))]
    [InlineData(nameof(PlantedAtomics.ReadsVolatileField))]
    public void A_planted_use_is_found(string method) =>
        Assert.Contains(Uses(Assemblies.Tests), use => use.Type == typeof(PlantedAtomics).FullName && use.Method == method);

    [Fact]
    public void A_plain_read_is_not_told() =>
        Assert.DoesNotContain(Uses(Assemblies.Tests), use => use.Type == typeof(PlantedAtomics).FullName && use.Method == nameof(PlantedAtomics.ReadsPlainField));

    private static IEnumerable<(string Part, string Type, string Method, string Use)> Uses(ModuleDefinition module) =>
        from type in module.GetTypes()
        from method in type.Methods
        where method.HasBody
        from instruction in method.Body.Instructions
        let use = Use(instruction)
        where use is not null
        select (References.Namespace(type), Outermost(type).FullName, method.Name, use);

    private static string? Use(Instruction instruction) => instruction switch
    {
        { OpCode.Code: Code.Volatile } => "volatile access",
        { Operand: MethodReference { DeclaringType.FullName: "System.Threading.Thread" } method } when method.Name.Contains("Barrier", StringComparison.Ordinal) || method.Name.StartsWith("Volatile", StringComparison.Ordinal) => method.FullName,
        { Operand: MethodReference method } when s_types.Contains(method.DeclaringType.FullName) => method.FullName,
        _ => null,
    };

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}

/// <summary>Read as IL, never run.</summary>
internal static class PlantedAtomics
{
    private static readonly object s_gate = new();
    private static volatile int s_volatile;
    private static int s_plain;

    public static int CallsInterlocked() => Interlocked.Increment(ref s_plain);

    public static int CallsVolatile() => Volatile.Read(ref s_plain);

    public static void CallsFence() => Thread.MemoryBarrier();

    public static int ReadsVolatileField() => s_volatile++;

    public static int ReadsPlainField() => s_plain;

    public static void TakesLock()
    {
        lock (s_gate)
            s_plain++;
    }
}

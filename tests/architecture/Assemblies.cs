using Mono.Cecil;

namespace BitTreeAlloc.Tests.Architecture;

/// <summary>The assemblies that are read as IL: the library as it was built, and this one with its planted violations.</summary>
internal static class Assemblies
{
    public static readonly ModuleDefinition Library = ModuleDefinition.ReadModule(typeof(BitTreeAllocator).Assembly.Location);

    public static readonly ModuleDefinition Tests = ModuleDefinition.ReadModule(typeof(Assemblies).Assembly.Location);

    /// <summary>The parts below the Api, of the library.</summary>
    public static bool IsCore(TypeReference type) => Layers.References.Namespace(type) is "BitTreeAlloc.Core" or "BitTreeAlloc.Bits" or "BitTreeAlloc.Atomics";
}

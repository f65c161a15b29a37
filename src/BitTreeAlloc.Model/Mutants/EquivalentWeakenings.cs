using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Mutants;

/// <summary>Weakenings of single sites that nothing can show, each with its argument.</summary>
internal static class EquivalentWeakenings
{
    public static string? Why(Site site, WeakeningKind kind) => null;
}

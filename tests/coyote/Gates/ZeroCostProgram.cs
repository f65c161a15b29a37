using System.Reflection;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Explorer.Gates.Twins;

namespace BitTreeAlloc.Tests.Explorer.Gates;

/// <summary>Runs in a process of its own whose JIT prints what it compiles: compiles the shipped instances and their twins.</summary>
internal static class ZeroCostProgram
{
    /// <summary>Pairs that must be the same code: the shipped type and its twin, with every method that the twin has.</summary>
    public static readonly (Type Shipped, Type Twin)[] Pairs =
    [
        (typeof(NodeStack<HardwareAtomics>), typeof(NodeStackTwin)),
        (typeof(BitTree<HardwareAtomics, ShippedGeometry>), typeof(BitTreeTwin)),
        (typeof(Blocks<HardwareAtomics, ShippedGeometry>), typeof(BlocksTwin)),
    ];

    public static string Compile()
    {
        // The stub's address is a constant only for code that is compiled after the type was initialised, as hot code is in a real run.
        _ = CasStub.IsSupported;
        foreach (var (shipped, twin) in Pairs)
        {
            foreach (var name in MethodsOf(twin))
            {
                foreach (var type in new[] { shipped, twin })
                {
                    var method = type.GetMethod(name, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
                        ?? throw new MissingMethodException(type.Name, name);
                    RuntimeHelpers.PrepareMethod(method.MethodHandle, [.. type.GenericTypeArguments.Select(argument => argument.TypeHandle)]);
                }
            }
        }

        return "compiled";
    }

    /// <summary>Methods of a twin that are code of their own; helpers that are inlined for certain are part of their callers.</summary>
    public static IEnumerable<string> MethodsOf(Type twin) =>
        twin.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(method => !method.IsSpecialName && !method.MethodImplementationFlags.HasFlag(MethodImplAttributes.AggressiveInlining))
            .Select(method => method.Name);
}

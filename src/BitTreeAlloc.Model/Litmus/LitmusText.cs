using System.Globalization;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>Litmus tests as lines of a litmus file: what <see cref="LitmusProgram.Parse"/> reads.</summary>
public static class LitmusText
{
    /// <summary>The line of a program.</summary>
    public static string Of(LitmusProgram program) =>
        $"{program.Name}:{string.Join(" || ", program.Threads.Select(thread => string.Join("; ", thread.Select(operation => Of(operation, program.Locations)))))}";

    /// <summary>A program of which only the locations that are used remain, numbered by first use, so that its line parses to the same program.</summary>
    internal static LitmusProgram Normalise(string name, IReadOnlyList<string> locations, IReadOnlyList<IReadOnlyList<LitmusOperation>> threads) =>
        LitmusProgram.Parse(Of(LitmusProgram.Of(name, locations, threads)));

    private static string Of(LitmusOperation operation, IReadOnlyList<string> locations)
    {
        var order = operation.Order switch
        {
            MemoryOrder.Relaxed => "rlx",
            MemoryOrder.Acquire => "acq",
            MemoryOrder.Release => "rel",
            MemoryOrder.AcqRel => "ar",
            _ => "sc",
        };
        return operation.Kind switch
        {
            LitmusKind.Write => $"W {locations[operation.Location]} {Number(operation.Value)} {order}",
            LitmusKind.Read => $"R {locations[operation.Location]} {order}",
            LitmusKind.Add => $"A {locations[operation.Location]} {Number(operation.Value)} {order}",
            LitmusKind.Exchange => $"X {locations[operation.Location]} {Number(operation.Value)} {order}",
            LitmusKind.CompareExchange => $"C {locations[operation.Location]} {Number(operation.Value)} {Number(operation.Desired)} {order}",
            _ => $"F {order}",
        };
    }

    private static string Number(ulong value) => ((long)value).ToString(CultureInfo.InvariantCulture);
}

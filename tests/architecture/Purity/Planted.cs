#pragma warning disable CS0649 // Fixtures: read as IL, never run.

namespace BitTreeAlloc.Tests.Architecture.Purity;

/// <summary>One breach per method, and a method without.</summary>
internal static class PlantedImpurities
{
    private static readonly int s_now = Environment.TickCount;

    public static void Throws() => throw new InvalidOperationException();

    public static object MakesObject() => new();

    public static int[] MakesArray(int count) => new int[count];

    public static object Boxes(int value) => value;

    public static Func<int> MakesDelegate() => () => s_now;

    public static KeyValuePair<int, int> IsClean(int a, int b) => new(a, b);
}

/// <summary>One managed field among unmanaged ones.</summary>
internal unsafe struct PlantedRecord
{
    public int Number;
    public void* Pointer;
    public delegate*<int, void> Function;
    public KeyValuePair<int, long> Pair;
    public string? Managed;
}

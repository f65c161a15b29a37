using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BitTreeAlloc.Model.Engine;

/// <summary>Sets of events that are prefixes of threads: eight counts of eight bits in one word.</summary>
internal static class Views
{
    /// <summary>Most threads.</summary>
    public const int MaxThreads = 8;

    /// <summary>Most events of one thread.</summary>
    public const int MaxEvents = 255;

    /// <summary>Union: the larger count of each thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Join(ulong left, ulong right) =>
        Vector128.Max(Vector128.CreateScalarUnsafe(left).AsByte(), Vector128.CreateScalarUnsafe(right).AsByte()).AsUInt64().ToScalar();

    /// <summary>Whether event (thread, index) belongs to the view.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(ulong view, int id) => (byte)(view >> ((id >> 8) << 3)) > (id & 255);

    /// <summary>Events of that thread in the view.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Count(ulong view, int thread) => (byte)(view >> (thread << 3));

    /// <summary>The view with the thread's count set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong With(ulong view, int thread, int count) => (view & ~(255ul << (thread << 3))) | ((ulong)(uint)count << (thread << 3));
}

using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: one word that lets visitors in until it is closed, and tells the closer when the last one is out. Visitors never wait.
/// Invariants: I-A1 between a visitor's entry and its leave nothing behind the gate ends. I-A2 of several closers one closes.
/// Callers: the Api's VisitorGate, from any thread. Checked by: the explorer's gate scenarios.
/// </summary>
internal static unsafe class Gate<TAtomics>
    where TAtomics : struct, IAtomics
{
    private const ulong Closing = 1ul << 63;
    private const ulong Closed = 3ul << 62;

    /// <summary>Whether the caller may go in; then <see cref="Leave"/> is due.</summary>
    public static bool TryEnter(ulong* word)
    {
        if ((TAtomics.FetchAddAcqRel(word, 1, Site.GateEnter) & Closing) == 0) // order: acquire and release: of a visitor and a closer one sees the other [A1]
            return true;
        Leave(word);
        return false;
    }

    /// <summary>Ends a visit.</summary>
    public static void Leave(ulong* word) => TAtomics.FetchAddAcqRel(word, ulong.MaxValue, Site.GateLeave); // order: release: the closer comes after the visit [A1]

    /// <summary>Nobody gets in from here on. False: it was closed before.</summary>
    public static bool TryClose(ulong* word) => (TAtomics.FetchOrAcqRel(word, Closing, Site.GateClose) & Closing) == 0; // order: acquire and release [A1]

    /// <summary>Closer: whether everybody is out.</summary>
    public static bool IsEmpty(ulong* word) => TAtomics.LoadAcquire(word, Site.GateLook) == Closing; // order: acquire: the visits before [A1]

    /// <summary>Closer: nothing is left behind the gate.</summary>
    public static void MarkClosed(ulong* word) => TAtomics.FetchOrAcqRel(word, Closed, Site.GateMark); // order: release: all that the closer did [A1]

    /// <summary>Whether <see cref="MarkClosed"/> was called.</summary>
    public static bool IsClosed(ulong* word) => (TAtomics.LoadAcquire(word, Site.GateLook) & Closed) == Closed; // order: acquire: all that the closer did [A1]
}

using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Model.Engine;

/// <summary>What an event of an execution graph is.</summary>
public enum EventKind : byte
{
    /// <summary>A read, or the read half of a read-modify-write.</summary>
    Read,

    /// <summary>A write, or the write half of a read-modify-write.</summary>
    Write,

    /// <summary>A fence.</summary>
    Fence,

    /// <summary>A value chosen by the explorer (a random number, whether an allocation fails).</summary>
    Choice,
}

/// <summary>C++20's orders. <see cref="Plain"/> is a non-atomic access: a race is an error.</summary>
public enum MemoryOrder : byte
{
    /// <summary>Non-atomic.</summary>
    Plain,

    /// <summary>Atomic, ordering nothing but its own location.</summary>
    Relaxed,

    /// <summary>Later accesses stay later.</summary>
    Acquire,

    /// <summary>Earlier accesses stay earlier.</summary>
    Release,

    /// <summary>Both.</summary>
    AcqRel,

    /// <summary>In the one total order.</summary>
    SeqCst,

    /// <summary>Of a fence: as <see cref="SeqCst"/>, and every other thread passes such a fence somewhere between the fence's begin and its end.</summary>
    ProcessWide,
}

internal static class Orders
{
    public static bool IsAcquire(this MemoryOrder order) => order is MemoryOrder.Acquire or MemoryOrder.AcqRel or MemoryOrder.SeqCst or MemoryOrder.ProcessWide;

    public static bool IsRelease(this MemoryOrder order) => order is MemoryOrder.Release or MemoryOrder.AcqRel or MemoryOrder.SeqCst or MemoryOrder.ProcessWide;

    public static bool IsSeqCst(this MemoryOrder order) => order is MemoryOrder.SeqCst or MemoryOrder.ProcessWide;

    /// <summary>Events that the axiom on sequential consistency has to look at.</summary>
    public static int SeqCstWeight(this MemoryOrder order) => order == MemoryOrder.ProcessWide ? 2 : order == MemoryOrder.SeqCst ? 1 : 0;
}

/// <summary>
/// One event. The views are four words of eight bytes each, one byte per thread: how many of that thread's events come before, this one included.
/// They also carry the state of the thread after the event, so a thread continues from its last event alone.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Event
{
    /// <summary>Happens-before.</summary>
    public ulong Hb;

    /// <summary>Program order and reads-from.</summary>
    public ulong Porf;

    /// <summary>What a later acquire fence of the thread would take.</summary>
    public ulong AcquirePending;

    /// <summary>Happens-before at the thread's last release fence.</summary>
    public ulong ReleaseFence;

    /// <summary>Of a write: what an acquirer of it gets.</summary>
    public ulong Released;

    /// <summary>Of a write: its value. Of a read-modify-write's read: what is expected, or the operand.</summary>
    public ulong Low;
    public ulong High;

    /// <summary>Of a read-modify-write's read: the upper half of what is desired (the lower stands in <see cref="Released"/>).</summary>
    public ulong DesiredHigh;

    /// <summary>Insertion order within the graph.</summary>
    public int Stamp;

    /// <summary>Of a read: id of its store, or <see cref="Graph.Init"/>.</summary>
    public ushort Source;

    /// <summary>Number of the location.</summary>
    public ushort Location;

    /// <summary>Of a write: place in the location's coherence order.</summary>
    public ushort Place;

    /// <summary>The site, as a number below 65 536.</summary>
    public ushort SiteNumber;

    public EventKind Kind;

    /// <summary>The order in force: a compare-exchange that failed has the order of a load.</summary>
    public MemoryOrder Order;

    /// <summary>What the read-modify-write does; <see cref="RmwKind.None"/> for a plain read or write.</summary>
    public RmwKind Rmw;

    /// <summary>1 on both halves of a read-modify-write that writes.</summary>
    public byte Writes;

    /// <summary>Which half of a 16-byte location a read returns; 2 is all of it.</summary>
    public byte Half;

    /// <summary>The order asked for, before a failure weakened it.</summary>
    public MemoryOrder AskedOrder;

    public readonly Site Site => (Site)SiteNumber;
}

/// <summary>What a read-modify-write does with the value it read.</summary>
public enum RmwKind : byte
{
    /// <summary>No read-modify-write.</summary>
    None,

    /// <summary>Stores another value where the old one is as expected.</summary>
    CompareExchange,

    /// <summary>Stores a value.</summary>
    Exchange,

    /// <summary>Adds.</summary>
    Add,

    /// <summary>Bitwise and.</summary>
    And,

    /// <summary>Bitwise or.</summary>
    Or,
}

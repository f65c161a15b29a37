using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>As much of a heap as the calls to the system need, over a simulated one.</summary>
internal sealed unsafe class HeapUnderTest : IDisposable
{
    public HeapUnderTest(SimulatedVirtualMemoryOptions? options = null)
    {
        Os = new SimulatedVirtualMemory(options ?? new() { LogLimit = 1000 });
        Heap = (Heap*)NativeMemory.AlignedAlloc((nuint)sizeof(Heap), 128);
        NativeMemory.Clear(Heap, (nuint)sizeof(Heap));
        Heap->Os = Os.Table;
        Heap->PageSize = Os.Table.PageSize();
        Heap->Direct.Root = (ulong*)NativeMemory.AllocZeroed(DirectTable.RootEntries, sizeof(ulong));
    }

    public SimulatedVirtualMemory Os { get; }

    public Heap* Heap { get; }

    public ulong Page => Heap->PageSize;

    /// <summary>A reserved range with nothing committed.</summary>
    public Watermark* NewMark(ulong bytes, ulong step)
    {
        void* address;
        Assert.Equal(VmStatus.Ok, HeapOs<HardwareAtomics>.Reserve(Heap, bytes, Page, &address));
        var mark = (Watermark*)NativeMemory.AllocZeroed((nuint)sizeof(Watermark));
        *mark = new Watermark { Base = (byte*)address, Reserved = bytes, Step = step };
        return mark;
    }

    /// <summary>The commits so far, refused ones included.</summary>
    public IEnumerable<VmCall> Commits() => Os.Log.Where(call => call.Verb == VmVerb.Commit);

    public void Dispose()
    {
        NativeMemory.Free(Heap->Direct.Root);
        NativeMemory.AlignedFree(Heap);
        Os.Dispose();
    }
}

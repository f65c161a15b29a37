using System.Runtime.InteropServices;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Tests.Unit.Tool;

/// <summary>A way to be wrong.</summary>
public enum PlantedBug
{
    /// <summary>None: the control.</summary>
    None,
    Overlap,
    OverlapAfterRealloc,
    ForeignWrite,
    ReallocLosesContent,
    CallocNotZero,
    Misaligned,
    MisalignedMemalign,
    UsableTooSmall,
    AnswersNull,
    Throws,
    LeavesObjects,
}

/// <summary>An allocator that never uses memory twice, and is wrong in one chosen way, now and then.</summary>
internal readonly unsafe struct BumpAdapter(BumpAdapter.Arena arena) : IAllocatorAdapter<BumpAdapter>
{
    private const int Every = 13;

    public static bool Allocates => true;

    public static bool ReallocKeepsAlignment => true;

    public static nuint PromisedAlignment(nuint size) => 16;

    public void* Alloc(nuint size)
    {
        var bad = arena.Count() % Every == 0;
        switch (arena.Bug)
        {
            case PlantedBug.AnswersNull when bad:
                return null;
            case PlantedBug.Throws when bad:
                throw new OutOfMemoryException("planted");
            case PlantedBug.Overlap when bad && arena.Last != 0:
                return (void*)arena.Last;
            case PlantedBug.ForeignWrite when bad && arena.Last != 0:
                *(byte*)arena.Last ^= 1;
                break;
            case PlantedBug.Misaligned when bad:
                return arena.Take(size + 8, 64) + 8;
        }

        var pointer = arena.Take(size, 64);
        arena.Last = size == 0 ? arena.Last : (nint)pointer;
        return pointer;
    }

    public void* AllocZeroed(nuint size)
    {
        var pointer = arena.Take(size, 64);
        if (arena.Bug == PlantedBug.CallocNotZero && size != 0)
            pointer[size - 1] = 1;
        return pointer;
    }

    public void* AllocAligned(nuint size, nuint alignment) =>
        arena.Bug == PlantedBug.MisalignedMemalign ? arena.Take(size + 8, Math.Max(alignment, 16)) + 8 : arena.Take(size, alignment);

    public void* Realloc(void* pointer, nuint size) => ReallocAligned(pointer, size, 64);

    public void* ReallocAligned(void* pointer, nuint size, nuint alignment)
    {
        if (arena.Bug == PlantedBug.OverlapAfterRealloc && arena.Last != 0)
            return (void*)arena.Last;
        var moved = arena.Take(size, Math.Max(alignment, 64));
        if (arena.Bug != PlantedBug.ReallocLosesContent)
            NativeMemory.Copy(pointer, moved, size);
        return moved;
    }

    public void Free(void* pointer, nuint size) => arena.Last = arena.Last == (nint)pointer ? 0 : arena.Last;

    public void FreeAligned(void* pointer, nuint size, nuint alignment) => Free(pointer, size);

    public nuint? UsableSize(void* pointer) => arena.Bug == PlantedBug.UsableTooSmall ? 1u : null;

    public BumpAdapter ForThread() => this;

    public void CloseThread()
    {
    }

    public void Trim()
    {
    }

    public long LeftOver() => arena.Bug == PlantedBug.LeavesObjects ? 3 : 0;

    public void Close()
    {
    }

    /// <summary>The memory, shared by the threads' adapters.</summary>
    internal sealed class Arena(PlantedBug bug) : IDisposable
    {
        private const nuint Size = 64 << 20;
        private readonly byte* _start = (byte*)NativeMemory.AllocZeroed(Size);
        private long _used = 1024;
        private int _count;

        public PlantedBug Bug => bug;

        /// <summary>A live pointer that other calls may be wrong about; 0 for none.</summary>
        public nint Last { get; set; }

        public int Count() => Interlocked.Increment(ref _count);

        public byte* Take(nuint size, nuint alignment)
        {
            // Copying min(old, new) would need the old size; so realloc copies the new one and the next 1 KiB is never anybody's.
            var room = (long)(size + alignment + 1024);
            var at = (nuint)(Interlocked.Add(ref _used, room) - room);
            Assert.True(at + (nuint)room + 4096 < Size, "the test's arena is too small");
            var address = (nuint)_start + at;
            return (byte*)((address + alignment - 1) & ~(alignment - 1));
        }

        public void Dispose() => NativeMemory.Free(_start);
    }
}

using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>A chain of trees in memory of its own, all columns interleaved as in a space.</summary>
internal sealed unsafe class TreeUnderTest<TAtomics, TGeometry> : IDisposable
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private readonly TreeView* _view;

    public TreeUnderTest(int trees, int columns)
    {
        Columns = columns;
        Blocks = (ulong)trees << TGeometry.TreeShift;
        _view = (TreeView*)NativeMemory.AllocZeroed((nuint)sizeof(TreeView));
        _view->Columns = (ulong)columns;
        _view->Leaves = Rows(LeafWords);
        _view->Middles = Rows(LeafWords >> TGeometry.WordShift);
        _view->Tops = Rows((ulong)trees);
        _view->Summaries = Rows(1);
    }

    public int Columns { get; }

    public ulong Blocks { get; }

    public ulong LeafWords => Blocks >> TGeometry.WordShift;

    public TreeView View => *_view;

    public void Set(int column, ulong block) => BitTree<TAtomics, TGeometry>.Set(_view, column, block);

    public bool IsSet(int column, ulong block) => BitTree<TAtomics, TGeometry>.IsSet(_view, column, block);

    public bool TryPick(int column, out ulong block) => BitTree<TAtomics, TGeometry>.TryPick(_view, column, out block);

    public bool Sweep(int column) => BitTree<TAtomics, TGeometry>.Sweep(_view, column, 0, LeafWords);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_view->Leaves);
        NativeMemory.AlignedFree(_view->Middles);
        NativeMemory.AlignedFree(_view->Tops);
        NativeMemory.AlignedFree(_view->Summaries);
        NativeMemory.Free(_view);
    }

    private ulong* Rows(ulong rows)
    {
        var bytes = (nuint)(Math.Max(rows, 1) * (ulong)Columns * sizeof(ulong));
        var start = (ulong*)NativeMemory.AlignedAlloc(bytes, 64);
        NativeMemory.Clear(start, bytes);
        return start;
    }
}

/// <summary>Words of two bits, trees of eight blocks: three full levels and a summary over four trees.</summary>
internal readonly struct TinyGeometry : IGeometry
{
    public static int WordShift => 1;

    public static int TreeShift => 3;

    public static int MagazineWords => 8;
}

/// <summary>Words of four bits, trees of 64 blocks.</summary>
internal readonly struct SmallGeometry : IGeometry
{
    public static int WordShift => 2;

    public static int TreeShift => 6;

    public static int MagazineWords => 8;
}

/// <summary>Words of two bits, one middle word: the least that a tree can be.</summary>
internal readonly struct FlatGeometry : IGeometry
{
    public static int WordShift => 2;

    public static int TreeShift => 4;

    public static int MagazineWords => 8;
}

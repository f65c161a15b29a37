using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using static BitTreeAlloc.Model.Engine.MemoryOrder;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>Program families whose execution counts were published with GenMC's tests; the outside anchor of the engine. All locations start at 0 unless said.</summary>
internal static class Families
{
    private const int X = 0;
    private const int Y = 1;
    private const int Z = 2;
    private const int W = 3;

    /// <summary>The program of a family at a size; for the single programs the size is their number of threads or rounds.</summary>
    public static FamilyProgram Of(string family, int n) => family switch
    {
        "ainc" => Make(n, 1, (e, _) => Add(e, X, Relaxed)),
        "binc" => Make(n, 2, (e, _) => AddAll(e, 2)),
        "cinc" => Make(n, 3, (e, _) => AddAll(e, 3)),
        "cas" => Make(n, 1, (e, i) => Cas(e, X, 0, i + 1)),
        "casrot" => Make(n, 1, (e, i) => Cas(e, X, i, i + 1)),
        "casw" => Make(n, 1, CasThenWrite),
        "wcas" => Make(n + 1, 1, (e, i) => Either(i == 0, () => Store(e, X, 2, Release), () => Cas(e, X, 2, 3))),
        "CoA" => Make(n + 1, 3, CoherenceOfArrays),
        "inc" => Make(n, 1, (e, i) => Store(e, X, Load(e, X, Relaxed) + (1ul << i), Release)),
        "rw" => Make(n, 1, ReadThenWrite),
        "wainc" => Make(n + 1, 1, (e, i) => Either(i == 0, () => Store(e, X, 42, Release), () => Add(e, X, Relaxed))),
        "writers" => Make(n + 1, 1, (e, i) => Either(i < n, () => Store(e, X, (ulong)i, Release), () => Load(e, X, Acquire))),
        "lastzero" => Make(n + 1, n + 1, (e, i) => LastZero(e, i, n)),
        "2CoWR" => Make(4, 2, TwoCoWr),
        "IRIW" => Make(4, 2, IndependentReads),
        "Z6.U" => Make(3, 2, Z6U),
        "relseq" => Make(3, 2, ReleaseSequence),
        "adders" => Make(4, 1, FourAdders),
        "big0" => Make(4, 4, Big0),
        "fib" => new FamilyProgram($"fib({n})", 3, [1, 1], (e, i) => Fibonacci(e, i, n)),
        _ => throw new ArgumentException($"no family '{family}'", nameof(family)),
    } with { Name = $"{family}({n})" };

    private static FamilyProgram Make(int threads, int locations, Action<IModelEngine, int> body) => new("", threads, new ulong[locations], body);

    private static void CasThenWrite(IModelEngine e, int i)
    {
        Cas(e, X, 0, 1);
        Store(e, X, (ulong)i + 3, Release);
    }

    private static void ReadThenWrite(IModelEngine e, int i)
    {
        Load(e, X, Relaxed);
        Store(e, X, (ulong)i, Release);
    }

    private static void CoherenceOfArrays(IModelEngine e, int i)
    {
        if (i < 2)
        {
            Store(e, X, (ulong)i + 1, Release);
            Load(e, i == 0 ? Y : Z, Acquire);
            Load(e, X, Acquire);
            return;
        }

        Store(e, Y, (ulong)i, Release);
        Store(e, Z, (ulong)i, Release);
    }

    private static void LastZero(IModelEngine e, int i, int n)
    {
        if (i > 0)
        {
            Store(e, i, Load(e, i - 1, Acquire) + 1, Release);
            return;
        }

        var last = n;
        while (Load(e, last, Acquire) != 0)
            last--;
    }

    private static void TwoCoWr(IModelEngine e, int i)
    {
        if (i < 2)
            Load(e, i == 0 ? Y : X, Acquire);
        else
            Store(e, i == 2 ? X : Y, 1, Release);
    }

    private static void IndependentReads(IModelEngine e, int i)
    {
        if (i < 2)
        {
            Store(e, i == 0 ? X : Y, 1, SeqCst);
            return;
        }

        Load(e, i == 2 ? X : Y, Acquire);
        Load(e, i == 2 ? Y : X, SeqCst);
    }

    private static void Z6U(IModelEngine e, int i)
    {
        switch (i)
        {
            case 0:
                Store(e, X, 1, SeqCst);
                Store(e, Y, 1, Release);
                break;
            case 1:
                Add(e, Y, SeqCst);
                Load(e, Y, Relaxed);
                break;
            default:
                Store(e, Y, 3, SeqCst);
                Load(e, X, SeqCst);
                break;
        }
    }

    private static void ReleaseSequence(IModelEngine e, int i)
    {
        switch (i)
        {
            case 0:
                Store(e, X, 1, Relaxed);
                Store(e, Y, 1, Release);
                Store(e, Y, 2, Relaxed);
                break;
            case 1:
                e.ReadModifyWrite(Y, RmwKind.Exchange, 3, 0, 0, 0, Relaxed, Site.None);
                break;
            default:
                Load(e, Y, Relaxed);
                e.Fence(AcqRel, Site.None);
                Load(e, X, Relaxed);
                break;
        }
    }

    private static void FourAdders(IModelEngine e, int i)
    {
        Add(e, X, i == 0 ? Acquire : i == 2 ? Release : Relaxed);
        if (i < 2)
            Add(e, X, Relaxed);
    }

    private static void Big0(IModelEngine e, int i)
    {
        if (i < 2)
        {
            foreach (var location in i == 0 ? [X, Y, Z, W, X, Y, Z] : (ReadOnlySpan<int>)[X, Y, Z])
                Load(e, location, Acquire);
            return;
        }

        for (var value = 1ul; value <= 3; value++)
        {
            Store(e, i == 2 ? X : Z, value, Release);
            Store(e, i == 2 ? Y : W, value, Release);
        }
    }

    private static void Fibonacci(IModelEngine e, int i, int n)
    {
        if (i == 2)
        {
            if (Load(e, X, Acquire) <= 144)
                Load(e, Y, Acquire);
            return;
        }

        for (var round = 0; round < n; round++)
            Store(e, i, Load(e, X, Acquire) + Load(e, Y, Acquire), Release);
    }

    private static void AddAll(IModelEngine e, int locations)
    {
        for (var location = 0; location < locations; location++)
            Add(e, location, Relaxed);
    }

    private static void Either(bool first, Action then, Action otherwise) => (first ? then : otherwise)();

    private static ulong Load(IModelEngine e, int location, MemoryOrder order) => e.Read(location, order, 0, Site.None);

    private static void Store(IModelEngine e, int location, ulong value, MemoryOrder order) => e.Write(location, value, 0, order, Site.None);

    private static void Add(IModelEngine e, int location, MemoryOrder order) => e.ReadModifyWrite(location, RmwKind.Add, 1, 0, 0, 0, order, Site.None);

    private static void Cas(IModelEngine e, int location, int expected, int desired) =>
        e.ReadModifyWrite(location, RmwKind.CompareExchange, (ulong)expected, 0, (ulong)desired, 0, Relaxed, Site.None);
}

using System.Runtime.CompilerServices;
using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>Memory freed where no cache was passed and the owner is going or gone (FEATURES A20): finalizers, and the last steps of a thread.</summary>
public sealed class FreesAfterTheThread
{
    private const int Pieces = 2000;

    [ThreadStatic]
    private static Owner? t_owner;

    [Fact]
    public void What_a_thread_leaves_to_finalizers_is_free_for_others_afterwards()
    {
        using var allocator = new BitTreeAllocator();
        var left = new HashSet<nuint>();
        Run(() => Abandon(allocator, left));
        Assert.Equal(Pieces, left.Count);
        for (var i = 0; i < 20 && allocator.GetStatistics().LiveBytes != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Reusable(allocator, left);
    }

    [Fact]
    public void What_a_thread_frees_in_its_last_steps_is_free_for_others_afterwards()
    {
        using var allocator = new BitTreeAllocator();
        var left = new HashSet<nuint>();
        Run(() => FreeAtTheEnd(allocator, left));
        Reusable(allocator, left);
    }

    private static unsafe void FreeAtTheEnd(BitTreeAllocator allocator, HashSet<nuint> left)
    {
        var mine = Array.Empty<nuint>();
        try
        {
            try
            {
                mine = Enumerable.Range(0, Pieces).Select(_ => (nuint)allocator.Alloc(200)).ToArray();
                throw new InvalidOperationException("the thread ends");
            }
            finally
            {
                foreach (var piece in mine)
                {
                    left.Add(piece);
                    allocator.Free((void*)piece);
                }
            }
        }
        catch (InvalidOperationException)
        {
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(BitTreeAllocator allocator, HashSet<nuint> left)
    {
        // The thread's own: collected when it is gone, like the cache that served it.
        for (var i = 0; i < Pieces; i++)
            t_owner = new Owner(allocator, left, t_owner);
    }

    private static void Run(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }

    /// <summary>Nothing lives, and another thread is given the same slots.</summary>
    private static unsafe void Reusable(BitTreeAllocator allocator, HashSet<nuint> left)
    {
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        var blocks = allocator.GetStatistics().Classes.Sum(one => one.Blocks);
        var cache = allocator.CreateCache();
        var again = Enumerable.Range(0, Pieces).Select(_ => (nuint)allocator.Alloc(ref cache, 200)).ToArray();
        foreach (var piece in again)
            Content.Fill(piece, 200, piece);
        Assert.Equal(Pieces, again.Distinct().Count());
        Assert.InRange(again.Count(left.Contains), Pieces / 2, Pieces);
        Assert.InRange(allocator.GetStatistics().Classes.Sum(one => one.Blocks), 1, blocks + 4);
        Assert.All(again, piece => Assert.Equal(-1, Content.FirstDifference(piece, 200, piece, 200)));
        foreach (var piece in again)
            allocator.Free(ref cache, (void*)piece, 200);
        cache.Dispose();
    }

    private sealed unsafe class Owner
    {
        private readonly BitTreeAllocator _allocator;
        private readonly Owner? _before;
        private readonly nuint _piece;

        public Owner(BitTreeAllocator allocator, HashSet<nuint> left, Owner? before)
        {
            (_allocator, _before, _piece) = (allocator, before, (nuint)allocator.Alloc(200));
            left.Add(_piece);
        }

        ~Owner()
        {
            GC.KeepAlive(_before);
            _allocator.Free((void*)_piece, 200);
        }
    }
}

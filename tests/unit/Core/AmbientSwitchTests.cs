using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>One thread that goes from one allocator to another, while the other ends or has to clear up after dead threads.</summary>
public sealed unsafe class AmbientSwitchTests
{
    private static readonly delegate*<Heap*, void> s_destroy = Engine.Of<HardwareAtomics, ShippedGeometry>().Destroy;
    private static readonly ManualResetEventSlim s_destroying = new();
    private static readonly ManualResetEventSlim s_goOn = new();

    [Fact]
    public void A_first_call_does_not_wait_for_the_dispose_of_another_allocator()
    {
        var engine = Engine.Of<HardwareAtomics, ShippedGeometry>();
        engine.Destroy = &DestroyWhenTold;
        var first = new BitTreeAllocator(new(), engine);
        using var second = new BitTreeAllocator();
        using var used = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            first.Free(first.Alloc(100));
            used.Set();
            s_destroying.Wait();
            second.Free(second.Alloc(100));
        })
        { IsBackground = true };
        thread.Start();
        used.Wait();
        var dispose = new Thread(first.Dispose) { IsBackground = true };
        dispose.Start();
        var isDone = thread.Join(TimeSpan.FromSeconds(30));
        s_goOn.Set();
        dispose.Join();
        Assert.True(isDone, "the call waited for a thread inside another allocator's Dispose");
    }

    [Fact]
    public void Finding_what_a_dead_thread_freed_twice_throws_nothing_in_the_finder_and_leaves_its_other_allocator_usable()
    {
        using var first = new BitTreeAllocator();
        using var second = new BitTreeAllocator();
        Threads.Run(1, _ =>
        {
            var slot = second.Alloc(100);
            second.Free(slot, 100);
            second.Free(slot, 100);
        });
        Exception? seen = null;
        Exception? inHandler = null;
        Threads.Run(1, _ =>
        {
            first.Free(first.Alloc(64));
            var me = Environment.CurrentManagedThreadId;
            void Handler(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs e)
            {
                if (Environment.CurrentManagedThreadId != me || seen is not null)
                    return;
                seen = e.Exception;
                try
                {
                    first.Free(first.Alloc(64));
                }
                catch (NullReferenceException broken)
                {
                    inHandler = broken;
                }
            }

            AppDomain.CurrentDomain.FirstChanceException += Handler;
            try
            {
                second.Free(second.Alloc(100));
            }
            finally
            {
                AppDomain.CurrentDomain.FirstChanceException -= Handler;
            }
        });
        Assert.Null(inHandler);
        Assert.Null(seen);
        Assert.True(second.GetStatistics().CacheCount <= 1, "the dead thread's cache was not found");
    }

    private static void DestroyWhenTold(Heap* heap)
    {
        s_destroying.Set();
        s_goOn.Wait();
        s_destroy(heap);
    }
}

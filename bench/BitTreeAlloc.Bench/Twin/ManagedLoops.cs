using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>The loops of bench/twin/loops.inc, in C#: a change here is a change there.</summary>
internal static unsafe class ManagedLoops<TChecks>
    where TChecks : struct, IChecks
{
    private const ulong AddressMask = (1ul << 48) - 1;
    private const int PutAt = LoopPlan.Ring;
    private const int TakenSeen = PutAt + 16;
    private const int TakenAt = PutAt + 32;
    private const int PutSeen = PutAt + 48;

    /// <summary>Runs a loop; returns the buffers whose content was wrong.</summary>
    public static ulong Run(LoopKind kind, ref Managed c, PlanWords* plan, ulong n) => kind switch
    {
        LoopKind.Pair => Pair(ref c, plan, n),
        LoopKind.Pair64 => Pair64(ref c, n),
        LoopKind.Batch => Batch(ref c, plan, n),
        LoopKind.Burst => Burst(ref c, plan, n),
        LoopKind.Churn => Churn(ref c, plan, n),
        LoopKind.Fill => Fill(ref c, plan, n),
        LoopKind.Drain => Drain(ref c, plan, n),
        LoopKind.Larson => Larson(ref c, plan, n),
        LoopKind.LarsonDrain => LarsonDrain(ref c, plan, n),
        LoopKind.Produce => Produce(ref c, plan, n),
        LoopKind.Consume => Consume(ref c, plan, n),
        LoopKind.Replay => Replay(ref c, plan, n),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no loop"),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Pair(ref Managed c, PlanWords* plan, ulong n)
    {
        var sizes = plan->Sizes;
        var sizeMask = plan->SizeMask;
        ulong bad = 0;
        for (ulong i = 0; i < n; i++)
        {
            nuint size = sizes[i & sizeMask];
            var p = c.Alloc(size);
            TChecks.PutPair(p, size, i);
            bad += TChecks.Bad(p, size, i);
            c.Free(p, size);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Pair64(ref Managed c, ulong n)
    {
        ulong bad = 0;
        for (ulong i = 0; i < n; i++)
        {
            var p = c.Alloc(64);
            TChecks.PutPair(p, 64, i);
            bad += TChecks.Bad(p, 64, i);
            c.Free(p, 64);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Batch(ref Managed c, PlanWords* plan, ulong n)
    {
        var sizes = plan->Sizes;
        var order = plan->Order;
        var held = plan->Held;
        var count = plan->Count;
        ulong bad = 0;
        for (var left = n / count; left > 0; left--)
        {
            AllocBatch(ref c, sizes, held, count);
            bad += FreeBatch(ref c, sizes, held, order, count);
        }

        return bad;
    }

    // Methods of their own: see Managed.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AllocBatch(ref Managed c, uint* sizes, void** held, ulong count)
    {
        for (ulong i = 0; i < count; i++)
        {
            nuint size = sizes[i];
            var p = c.Alloc(size);
            TChecks.Put(p, size, i);
            held[i] = p;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong FreeBatch(ref Managed c, uint* sizes, void** held, uint* order, ulong count)
    {
        ulong bad = 0;
        for (ulong i = 0; i < count; i++)
        {
            var which = order[i];
            bad += TChecks.Bad(held[which], sizes[which], which);
            c.Free(held[which], sizes[which]);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Burst(ref Managed c, PlanWords* plan, ulong n)
    {
        var held = plan->Held;
        var count = plan->Count;
        ulong bad = 0;
        for (var left = n / count; left > 0; left--)
        {
            AllocBurst(ref c, held, count);
            bad += FreeBurst(ref c, held, count);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AllocBurst(ref Managed c, void** held, ulong count)
    {
        for (ulong i = 0; i < count; i++)
        {
            var p = c.Alloc(64);
            TChecks.Put(p, 64, i);
            held[i] = p;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong FreeBurst(ref Managed c, void** held, ulong count)
    {
        ulong bad = 0;
        for (ulong i = 0; i < count; i++)
        {
            bad += TChecks.Bad(held[i], 64, i);
            c.Free(held[i], 64);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Churn(ref Managed c, PlanWords* plan, ulong n)
    {
        var sizes = plan->Sizes;
        var order = plan->Order;
        var held = plan->Held;
        var heldSizes = plan->HeldSizes;
        var sizeMask = plan->SizeMask;
        var mask = plan->Mask;
        ulong bad = 0;
        for (ulong i = 0; i < n; i++)
        {
            var place = order[i & mask];
            nuint size = sizes[i & sizeMask];
            bad += TChecks.Bad(held[place], heldSizes[place], place);
            c.Free(held[place], heldSizes[place]);
            var p = c.Alloc(size);
            TChecks.Put(p, size, place);
            held[place] = p;
            heldSizes[place] = (uint)size;
        }

        return bad;
    }

    private static ulong Fill(ref Managed c, PlanWords* plan, ulong n)
    {
        for (ulong place = 0; place < n; place++)
        {
            nuint size = plan->Sizes[place & plan->SizeMask];
            plan->Held[place] = c.Alloc(size);
            plan->HeldSizes[place] = (uint)size;
            TChecks.Put(plan->Held[place], size, place);
        }

        return 0;
    }

    private static ulong Drain(ref Managed c, PlanWords* plan, ulong n)
    {
        ulong bad = 0;
        for (ulong place = 0; place < n; place++)
        {
            bad += TChecks.Bad(plan->Held[place], plan->HeldSizes[place], place);
            c.Free(plan->Held[place], plan->HeldSizes[place]);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Larson(ref Managed c, PlanWords* plan, ulong n)
    {
        var sizes = plan->Sizes;
        var order = plan->Order;
        var places = (ulong*)plan->Held;
        var sizeMask = plan->SizeMask;
        var mask = plan->Mask;
        ulong bad = 0;
        for (ulong i = 0; i < n; i++)
        {
            var place = order[i & mask];
            nuint size = sizes[i & sizeMask];
            var p = c.Alloc(size);
            TChecks.Put(p, size, place);
            var old = Interlocked.Exchange(ref places[place], (ulong)p | ((ulong)size << 48));
            if (old != 0)
            {
                var gone = (void*)(old & AddressMask);
                bad += TChecks.Bad(gone, (nuint)(old >> 48), place);
                c.Free(gone, (nuint)(old >> 48));
            }
        }

        return bad;
    }

    private static ulong LarsonDrain(ref Managed c, PlanWords* plan, ulong n)
    {
        ulong bad = 0;
        for (ulong place = 0; place < n; place++)
        {
            var old = Interlocked.Exchange(ref *(ulong*)&plan->Held[place], 0);
            if (old == 0)
                continue;
            var gone = (void*)(old & AddressMask);
            bad += TChecks.Bad(gone, (nuint)(old >> 48), place);
            c.Free(gone, (nuint)(old >> 48));
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Produce(ref Managed c, PlanWords* plan, ulong n)
    {
        var ring = plan->Ring;
        for (ulong i = 0; i < n; i++)
        {
            var p = (ulong*)c.Alloc(64);
            p[0] = i;
            p[7] = i;
            var put = ring[PutAt];
            if (put - ring[TakenSeen] == LoopPlan.Ring)
                AwaitRoom(ring, put);
            ring[put % LoopPlan.Ring] = (ulong)p;
            Volatile.Write(ref ring[PutAt], put + 1);
        }

        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Consume(ref Managed c, PlanWords* plan, ulong n)
    {
        var ring = plan->Ring;
        ulong bad = 0;
        for (ulong i = 0; i < n; i++)
        {
            var taken = ring[TakenAt];
            if (taken == ring[PutSeen])
                AwaitItem(ring, taken);
            var p = (ulong*)ring[taken % LoopPlan.Ring];
            Volatile.Write(ref ring[TakenAt], taken + 1);
            bad += p[0] != i || p[7] != i ? 1u : 0;
            c.Free(p, 64);
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Replay(ref Managed c, PlanWords* plan, ulong n)
    {
        var events = plan->Events;
        var held = plan->Held;
        ulong bad = 0;
        for (ulong i = 0; i < n; i++)
        {
            ref var step = ref events[i];
            var size = (nuint)step.Size;
            void* p;
            if (step.Op is TraceOp.Free or TraceOp.FreeAligned)
            {
                p = held[step.Id];
                if (p != null && size >= 8)
                    bad += *(ulong*)p != step.Id ? 1u : 0;
                if (p != null)
                    c.Free(p, size);
                held[step.Id] = null;
                continue;
            }

            if (step.Op is TraceOp.Realloc or TraceOp.ReallocAligned)
            {
                nuint old = plan->HeldSizes[step.Id];
                p = held[step.Id];
                if (p == null || Bits.SizeClasses.ClassOf(old) != Bits.SizeClasses.ClassOf(size) || Bits.SizeClasses.ClassOf(size) == 0)
                {
                    var other = c.Alloc(size);
                    if (p != null)
                    {
                        Buffer.MemoryCopy(p, other, size, Math.Min(old, size));
                        c.Free(p, old);
                    }

                    p = other;
                }
            }
            else
            {
                p = c.Alloc(size);
                if (step.Op == TraceOp.Calloc)
                    System.Runtime.InteropServices.NativeMemory.Clear(p, size);
            }

            if (size >= 8)
                *(ulong*)p = step.Id;
            held[step.Id] = p;
            plan->HeldSizes[step.Id] = (uint)size;
        }

        for (ulong id = 0; id < plan->Count; id++)
        {
            if (held[id] != null)
                c.Free(held[id], plan->HeldSizes[id]);
            held[id] = null;
        }

        return bad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AwaitRoom(ulong* ring, ulong put)
    {
        var spins = 0;
        while ((ring[TakenSeen] = Volatile.Read(ref ring[TakenAt])) + LoopPlan.Ring == put)
            SpinPause.Wait(ref spins);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AwaitItem(ulong* ring, ulong taken)
    {
        var spins = 0;
        while ((ring[PutSeen] = Volatile.Read(ref ring[PutAt])) == taken)
            SpinPause.Wait(ref spins);
    }
}

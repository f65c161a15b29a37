using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>Random litmus tests: 2 to 4 threads, at most nine accesses, every order, read-modify-writes, compare-exchanges and fences. A number gives the same program on every machine.</summary>
internal static class RandomProgram
{
    private static readonly string[] s_names = ["x", "y", "z"];
    private static readonly MemoryOrder[] s_orders = [MemoryOrder.Relaxed, MemoryOrder.Acquire, MemoryOrder.Release, MemoryOrder.AcqRel, MemoryOrder.SeqCst];

    /// <summary>The program of a seed.</summary>
    public static LitmusProgram Of(ulong seed) => Make(seed, MakeOperation);

    /// <summary>The program of a seed over the operations that the shipped code has: Volatile, Interlocked and the full fence. <paramref name="interlocked"/> is what a read-modify-write counts as.</summary>
    public static LitmusProgram OfMapped(ulong seed, MemoryOrder interlocked) => Make(seed, (source, location) => MakeMapped(source, location, interlocked));

    private static LitmusProgram Make(ulong seed, Func<SplitMix, int, LitmusOperation> make)
    {
        var source = new SplitMix(seed);
        var threads = source.Below(3) + 2;
        var locations = source.Below(2) + 2 - (source.Below(8) == 0 ? 1 : 0);

        // Every second program has at most seven: what the slow judge takes grows with the factorial, and small programs are where engines break.
        var accesses = threads + source.Below(source.Below(2) == 0 ? 10 - threads : 8 - threads);
        var program = new List<LitmusOperation>[threads];
        for (var thread = 0; thread < threads; thread++)
            program[thread] = [];
        for (var access = 0; access < accesses; access++)
        {
            var thread = program[access < threads ? access : source.Below(threads)];
            if (source.Below(6) == 0)
                thread.Add(new(LitmusKind.Fence, 0, 0, 0, MakeFenceOrder(source)));
            thread.Add(make(source, source.Below(locations)));
        }

        return LitmusText.Normalise($"seed-{seed}", s_names, program);
    }

    private static MemoryOrder MakeFenceOrder(SplitMix source) => source.Below(2) == 0 ? MemoryOrder.SeqCst : s_orders[source.Below(s_orders.Length)];

    private static LitmusOperation MakeOperation(SplitMix source, int location)
    {
        var order = s_orders[source.Below(s_orders.Length)];
        var value = (ulong)source.Below(3);
        return source.Below(10) switch
        {
            < 4 => new(LitmusKind.Write, location, value + 1, 0, order),
            < 7 => new(LitmusKind.Read, location, 0, 0, order),
            7 => new(LitmusKind.Add, location, value + 1, 0, order),
            8 => new(LitmusKind.Exchange, location, value + 1, 0, order),
            _ => new(LitmusKind.CompareExchange, location, value, (ulong)source.Below(3), order),
        };
    }

    private static LitmusOperation MakeMapped(SplitMix source, int location, MemoryOrder interlocked)
    {
        var value = (ulong)source.Below(3);
        var desired = (ulong)source.Below(3);
        return source.Below(10) switch
        {
            < 4 => new(LitmusKind.Write, location, value + 1, 0, MemoryOrder.Release),
            < 7 => new(LitmusKind.Read, location, 0, 0, MemoryOrder.Acquire),
            7 => new(LitmusKind.Add, location, value + 1, 0, interlocked),
            8 => new(LitmusKind.Exchange, location, value + 1, 0, interlocked),
            _ => new(LitmusKind.CompareExchange, location, value, desired, interlocked),
        };
    }

    /// <summary>SplitMix64: small, and the same everywhere.</summary>
    private sealed class SplitMix(ulong seed)
    {
        // Mixed, or the programs of neighbouring seeds would be one stream shifted by one draw.
        private ulong _state = Mix(seed + 0x5851F42D4C957F2Dul);

        public int Below(int bound) => (int)(Mix(_state += 0x9E3779B97F4A7C15ul) % (ulong)bound);

        private static ulong Mix(ulong value)
        {
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ul;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EBul;
            return value ^ (value >> 31);
        }
    }
}

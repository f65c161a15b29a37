using System.Globalization;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>
/// Runs a litmus test on this machine: real threads, Volatile and Interlocked on real memory. Many instances of the test lie side by side, one per cache line and location, and every thread goes through
/// all of them; the threads meet before each batch.
/// </summary>
internal sealed class LitmusHardware
{
    private const int Batch = 10_000;
    private const int Stride = 8;
    private const int BitsPerValue = 7;

    private readonly LitmusProgram _program;
    private readonly LitmusOperation[][] _threads;
    private readonly long[][] _reads;
    private readonly long[] _memory;
    private int _arrived;

    private LitmusHardware(LitmusProgram program)
    {
        _program = program;
        if (program.Threads.Sum(thread => thread.Count) + program.Locations.Count > 128 / BitsPerValue)
            throw new NotSupportedException($"{program.Name}: its outcome does not fit one word");
        _threads = [.. program.Threads.Select(thread => thread.ToArray())];
        _reads = [.. _threads.Select(thread => new long[Batch * thread.Length])];
        _memory = new long[Batch * Math.Max(program.Locations.Count, 1) * Stride];
    }

    /// <summary>
    /// The test in the operations that .NET has: every access is Volatile at least, a read-modify-write is Interlocked. Null where a store has to be sequentially consistent by itself: .NET has none.
    /// </summary>
    public static LitmusProgram? Map(LitmusProgram program)
    {
        if (program.Threads.Any(thread => thread.Any(operation => operation is { Kind: LitmusKind.Write, Order: MemoryOrder.SeqCst })))
            return null;
        return LitmusProgram.Of(program.Name, program.Locations, [.. program.Threads.Select(thread => thread.Select(Map).ToArray())]);
    }

    /// <summary>Outcomes seen, as the models write them.</summary>
    public static HashSet<string> Run(LitmusProgram mapped, int iterations)
    {
        var hardware = new LitmusHardware(mapped);
        var seen = new HashSet<UInt128>();
        var batches = (iterations + Batch - 1) / Batch;
        using var barrier = new Barrier(mapped.Threads.Count, _ => hardware.Collect(seen));
        var threads = new Thread[mapped.Threads.Count];
        for (var number = 0; number < threads.Length; number++)
        {
            var thread = number;
            threads[number] = new Thread(() =>
            {
                for (var batch = 0; batch < batches; batch++)
                {
                    hardware.RunBatch(thread, batch);
                    barrier.SignalAndWait();
                }
            });
            threads[number].Start();
        }

        foreach (var thread in threads)
            thread.Join();
        return [.. seen.Select(hardware.TextOf)];
    }

    private static LitmusOperation Map(LitmusOperation operation) => operation.Kind switch
    {
        LitmusKind.Write => operation with { Order = MemoryOrder.Release },
        LitmusKind.Read => operation with { Order = MemoryOrder.Acquire },
        LitmusKind.Fence => operation with { Order = operation.Order == MemoryOrder.AcqRel ? MemoryOrder.SeqCst : operation.Order },
        _ => operation with { Order = MemoryOrder.SeqCst },
    };

    /// <summary>Every second batch from the other end, so that no thread is always first.</summary>
    private void RunBatch(int thread, int batch)
    {
        var operations = _threads[thread];
        MeetAgain((batch + 1) * _threads.Length);
        for (var step = 0; step < Batch; step++)
        {
            var instance = ((batch + thread) & 1) == 0 ? step : Batch - 1 - step;
            for (var number = 0; number < operations.Length; number++)
            {
                ref var cell = ref _memory[((instance * _program.Locations.Count) + operations[number].Location) * Stride];
                _reads[thread][(instance * operations.Length) + number] = Do(operations[number], ref cell);
            }
        }
    }

    /// <summary>
    /// A barrier wakes its threads one after another, later than a batch takes; they meet once more awake. Two then run at the same time where two cores are free; more threads than cores only yield.
    /// </summary>
    private void MeetAgain(int all)
    {
        Interlocked.Increment(ref _arrived);
        for (var spins = 0; Volatile.Read(ref _arrived) < all; spins++)
        {
            if (spins > 2_000)
                Thread.Yield();
        }
    }

    private static long Do(in LitmusOperation operation, ref long cell)
    {
        var value = (long)operation.Value;
        switch (operation.Kind)
        {
            case LitmusKind.Write:
                Volatile.Write(ref cell, value);
                return 0;
            case LitmusKind.Read:
                return Volatile.Read(ref cell);
            case LitmusKind.Add:
                return Interlocked.Add(ref cell, value) - value;
            case LitmusKind.Exchange:
                return Interlocked.Exchange(ref cell, value);
            case LitmusKind.CompareExchange:
                return Interlocked.CompareExchange(ref cell, (long)operation.Desired, value);
            default:
                if (operation.Order == MemoryOrder.Acquire)
                    Volatile.ReadBarrier();
                else if (operation.Order == MemoryOrder.Release)
                    Volatile.WriteBarrier();
                else
                    Interlocked.MemoryBarrier();
                return 0;
        }
    }

    /// <summary>Between batches, with every thread waiting: notes the outcomes and sets the memory to zero.</summary>
    private void Collect(HashSet<UInt128> seen)
    {
        for (var instance = 0; instance < Batch; instance++)
        {
            UInt128 outcome = 0;
            for (var thread = 0; thread < _threads.Length; thread++)
            {
                for (var number = 0; number < _threads[thread].Length; number++)
                    outcome = (outcome << BitsPerValue) | (UInt128)_reads[thread][(instance * _threads[thread].Length) + number];
            }

            for (var location = 0; location < _program.Locations.Count; location++)
                outcome = (outcome << BitsPerValue) | (UInt128)_memory[((instance * _program.Locations.Count) + location) * Stride];
            seen.Add(outcome);
        }

        Array.Clear(_memory);
    }

    private string TextOf(UInt128 outcome)
    {
        var finals = new string[_program.Locations.Count];
        for (var location = finals.Length - 1; location >= 0; location--, outcome >>= BitsPerValue)
            finals[location] = Text(outcome);
        var reads = new List<string>();
        foreach (var operation in _program.Threads.SelectMany(thread => thread).Reverse())
        {
            if (operation.Kind is not (LitmusKind.Write or LitmusKind.Fence))
                reads.Insert(0, Text(outcome));
            outcome >>= BitsPerValue;
        }

        Array.Sort([.. _program.Locations], finals, StringComparer.Ordinal);
        return $"{string.Join(',', reads)}|{string.Join(',', finals)}";
    }

    private static string Text(UInt128 outcome) => ((int)outcome & ((1 << BitsPerValue) - 1)).ToString(CultureInfo.InvariantCulture);
}

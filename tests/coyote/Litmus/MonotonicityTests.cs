using System.Collections.Concurrent;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>The default model is the weakest: what passes under it passes on the machines that .NET runs on.</summary>
public sealed class MonotonicityTests(ITestOutputHelper output)
{
    private const int Programs = 4_000;

    [Fact]
    public void Outcomes_of_sc_are_among_those_of_tso_and_those_among_net()
    {
        var broken = new ConcurrentBag<string>();
        ForEachSeed(seed =>
        {
            var program = RandomProgram.Of(seed);
            var sc = Outcomes(program, MemoryModel.Sc);
            var tso = Outcomes(program, MemoryModel.Tso);
            var net = Outcomes(program, MemoryModel.Net);
            if (sc.Except(tso).Any() || tso.Except(net).Any())
                broken.Add(LitmusText.Of(program));
        });
        Assert.Empty(broken);
    }

    [Fact]
    public void Outcomes_of_net_with_full_fence_interlocked_are_among_those_of_rc11_with_acquire_release_interlocked()
    {
        var broken = new ConcurrentBag<string>();
        var weaker = 0;
        ForEachSeed(seed =>
        {
            var net = Outcomes(RandomProgram.OfMapped(seed, MemoryOrder.SeqCst), MemoryModel.Net);
            var rc11 = Outcomes(RandomProgram.OfMapped(seed, MemoryOrder.AcqRel), MemoryModel.Rc11);
            if (net.Except(rc11).Any())
                broken.Add(LitmusText.Of(RandomProgram.OfMapped(seed, MemoryOrder.AcqRel)));
            else if (rc11.Count > net.Count)
                Interlocked.Increment(ref weaker);
        });
        output.WriteLine($"{Programs} programs, {broken.Count} with an outcome that RC11 lacks, {weaker} to which RC11 allows more");
        Assert.Empty(broken);
        Assert.NotEqual(0, weaker);
    }

    private static void ForEachSeed(Action<ulong> check) =>
        Parallel.For(0, Programs, new ParallelOptions { MaxDegreeOfParallelism = 2 }, number => check(Knobs.FuzzSeed + 1_000_000 + (ulong)number));

    private static IReadOnlyCollection<string> Outcomes(LitmusProgram program, MemoryModel model) => LitmusRunner.Run(program, model).Outcomes;
}

using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace BitTreeAlloc.Bench.Recycler;

/// <summary>The single-thread loops under BenchmarkDotNet, in this process: the variants are internal, and so cannot be seen from a project that it would generate.</summary>
public class SingleThread
{
    private const int Operations = 8192;
    private BagLoops? _loops;

    /// <summary>Names of the variants.</summary>
    public static IEnumerable<string> Variants { get; } = [.. BagLoops.All().Select(loops => loops.Name)];

    /// <summary>Which variant.</summary>
    [ParamsSource(nameof(Variants))]
    public string Variant { get; set; } = "";

    /// <summary>Runs the benchmarks; 0 where all of them ran.</summary>
    internal static int Run()
    {
        var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        return BenchmarkRunner.Run<SingleThread>(config).HasCriticalValidationErrors ? 1 : 0;
    }

    /// <summary>Makes the variant.</summary>
    [GlobalSetup]
    public void Make() => _loops = BagLoops.All().Single(loops => loops.Name == Variant);

    /// <summary>Frees it.</summary>
    [GlobalCleanup]
    public void Free() => _loops?.Dispose();

    /// <summary>Give one, take one.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public double GiveTake() => _loops!.OnePair(Operations);

    /// <summary>Give eight, take eight.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public double GiveTakeEight() => _loops!.Bursts(Operations / BagLoops.Burst);
}

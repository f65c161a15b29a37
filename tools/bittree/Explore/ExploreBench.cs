using System.Diagnostics;
using System.Globalization;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Baton;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tool.Explore;

/// <summary>How fast the engines are here, beside a loop whose speed says what machine this is at this moment.</summary>
internal static class ExploreBench
{
    private const int CalibrationSteps = 200_000_000;
    private const long StackExecutions = 1_000_000;

    public static void Run(TextWriter output)
    {
        Print(output, "calibration: dependent multiply-adds", CalibrationSteps / Calibrate(), "steps/s");
        Stack();
        var (executions, seconds, events) = Stack();
        Print(output, $"graph: 3 threads of (pop; free) with generation, rc11, one core, up to {events} events", executions / seconds, "executions/s");
        Litmus();
        (executions, seconds) = Litmus();
        Print(output, "graph: litmus, 6 threads of (store; load), rc11, one core", executions / seconds, "executions/s");
        foreach (var strategy in new[] { BatonStrategy.Random, BatonStrategy.Pct, BatonStrategy.UniformWalk })
        {
            var report = BatonExplorer.Explore(new PopFree(true, 3, 2), new BatonOptions { Strategy = strategy, Iterations = 10_000 });
            Print(output, $"baton: 3 threads of (pop; free), {strategy}", report.Executions / report.Elapsed.TotalSeconds, "executions/s");
        }
    }

    private static double Calibrate()
    {
        var clock = Stopwatch.StartNew();
        var value = 1ul;
        for (var step = 0; step < CalibrationSteps; step++)
            value = (value * 6364136223846793005ul) + 1442695040888963407ul;
        return value == 0 ? double.NaN : clock.Elapsed.TotalSeconds;
    }

    private static (long Executions, double Seconds, int Events) Stack()
    {
        var report = GraphExplorer.Explore(new PopFree(true, 3, 2), new ExploreOptions { MaxExecutions = StackExecutions });
        return (report.Result.Executions, report.Elapsed.TotalSeconds, report.Result.MaxEvents);
    }

    private static (long Executions, double Seconds) Litmus()
    {
        const int Threads = 6;
        using var engine = new GraphEngine(Threads, MemoryModel.Rc11, 8, Threads);
        var bodies = new Action<int>[Threads];
        for (var thread = 0; thread < Threads; thread++)
        {
            engine.AddLocation(0, 0);
            bodies[thread] = number =>
            {
                engine.Write(number, 1, 0, MemoryOrder.Release, Site.None);
                engine.Read((number + 1) % Threads, MemoryOrder.Acquire, 0, Site.None);
                engine.Read((number + 2) % Threads, MemoryOrder.Acquire, 0, Site.None);
                engine.Read((number + 3) % Threads, MemoryOrder.Acquire, 0, Site.None);
            };
        }

        var clock = Stopwatch.StartNew();
        var result = engine.Explore(bodies);
        return (result.Executions, clock.Elapsed.TotalSeconds);
    }

    private static void Print(TextWriter output, string what, double rate, string unit) =>
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-92} {rate,14:N0} {unit}"));
}

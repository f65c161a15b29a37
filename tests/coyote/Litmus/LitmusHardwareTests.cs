using System.Runtime.InteropServices;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>What this machine does, the models must allow.</summary>
public sealed class LitmusHardwareTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_outcome_seen_on_this_machine_is_allowed_by_net_and_on_x64_by_tso()
    {
        var models = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (MemoryModel[])[MemoryModel.Net, MemoryModel.Tso] : [MemoryModel.Net];
        var forbidden = new List<string>();
        var run = 0;
        var seenWeak = 0;
        foreach (var program in ExpectedCounts.Programs)
        {
            if (LitmusHardware.Map(program) is not { } mapped)
                continue;
            run++;
            var seen = LitmusHardware.Run(mapped, Knobs.HardwareIterations);
            foreach (var model in models)
                forbidden.AddRange(seen.Except(LitmusRunner.Run(mapped, model).Outcomes).Select(outcome => $"{program.Name} {model}: {outcome}"));
            if (seen.Except(LitmusRunner.Run(mapped, MemoryModel.Sc).Outcomes).Any())
                seenWeak++;
        }

        output.WriteLine($"{run} of {ExpectedCounts.Programs.Length} tests on hardware, {Knobs.HardwareIterations} times each; {seenWeak} showed an outcome that no interleaving explains; {forbidden.Count} outcomes forbidden");
        Assert.Empty(forbidden);
    }
}

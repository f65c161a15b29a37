using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>One scenario set up on one graph engine, on this thread of the machine: for whoever drives the search in steps.</summary>
internal sealed class GraphSession : IDisposable
{
    public GraphSession(Scenario scenario, ExploreOptions options, int? bound = null)
    {
        Scenario = scenario;
        Options = options;
        Memory = new ModelMemory { Weakening = options.Weakening, Mutant = options.Mutant, StepBound = scenario.StepBound };
        ModelMemory.Enter(Memory);
        try
        {
            scenario.Prepare(Memory);
            Engine = new GraphEngine(scenario.Threads, options.Model, Views.MaxEvents, Math.Max(Memory.LocationCount, 1))
            {
                Bound = bound ?? options.Bound ?? scenario.Bound ?? int.MaxValue,
                NameOf = Memory.NameOfLocation,
            };
            Memory.Begin(Engine);
        }
        catch
        {
            Memory.FreeNatives();
            ModelMemory.Enter(null);
            throw;
        }

        Run = new Run(Engine, Memory);
        Bodies = new Action<int>[scenario.Threads];
        Array.Fill(Bodies, RunBody);
        Engine.AtEnd = CheckEnd;
        Engine.AtBlocked = () => GraphExplorer.CheckBlocked(scenario, Memory, Engine, Run);
    }

    public Scenario Scenario { get; }

    public ExploreOptions Options { get; }

    public ModelMemory Memory { get; }

    public GraphEngine Engine { get; }

    public Run Run { get; }

    public Action<int>[] Bodies { get; }

    public void CheckEnd() => Memory.Inspect(() => Scenario.Check(Run));

    public void Dispose()
    {
        Engine.Dispose();
        Memory.FreeNatives();
        ModelMemory.Enter(null);
    }

    private void RunBody(int thread)
    {
        Memory.BeginThread(thread);
        Scenario.Body(Run, thread);
    }
}

using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Baton;
using BitTreeAlloc.Model.Litmus;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Baton;

/// <summary>A litmus test as a scenario: what is read are the results of the threads.</summary>
internal sealed class LitmusScenario(string text) : Scenario
{
    private readonly LitmusProgram _program = LitmusProgram.Parse("t:" + text);

    public override string Name => $"test/litmus {text}";

    public override string Claim => "nothing";

    public override int Threads => _program.Threads.Count;

    public override unsafe void Prepare(ModelMemory memory)
    {
        foreach (var location in _program.Locations)
            memory.Words(location);
    }

    public override void Body(Run run, int thread)
    {
        var engine = run.Memory.Engine!;
        foreach (var operation in _program.Threads[thread])
        {
            switch (operation.Kind)
            {
                case LitmusKind.Write:
                    engine.Write(operation.Location, operation.Value, 0, operation.Order, Site.None);
                    break;
                case LitmusKind.Read:
                    run.Result(engine.Read(operation.Location, operation.Order, 0, Site.None));
                    break;
                case LitmusKind.Fence:
                    engine.Fence(operation.Order, Site.None);
                    break;
                default:
                    var kind = operation.Kind switch { LitmusKind.Add => Model.Engine.RmwKind.Add, LitmusKind.Exchange => Model.Engine.RmwKind.Exchange, _ => Model.Engine.RmwKind.CompareExchange };
                    run.Result(engine.ReadModifyWrite(operation.Location, kind, operation.Value, 0, operation.Desired, 0, operation.Order, Site.None).Low);
                    break;
            }
        }
    }

    public string OutcomeOf(BatonEngine engine)
    {
        var read = Enumerable.Range(0, Threads).SelectMany(thread => Enumerable.Range(0, engine.ResultCountOf(thread)).Select(number => engine.ResultOf(thread, number)));
        var final = Enumerable.Range(0, _program.Locations.Count).OrderBy(location => _program.Locations[location], StringComparer.Ordinal).Select(location => engine.FinalOf(location).Low);
        return $"{string.Join(',', read)}|{string.Join(',', final)}";
    }
}

using System.Diagnostics.CodeAnalysis;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>What a scenario's bodies and checks may ask of the engine that runs them.</summary>
public sealed class Run
{
    private readonly IRunEngine _engine;
    private Operation _operation;
    private int _startSteps;
    private int _startEvents;

    internal Run(IRunEngine engine, ModelMemory memory)
    {
        _engine = engine;
        Memory = memory;
    }

    /// <summary>The scenario's memory.</summary>
    public ModelMemory Memory { get; }

    /// <summary>Reports a value of the running thread; kept with the execution.</summary>
    public void Result(ulong value) => _engine.Result1(value);

    /// <summary>A value that a thread reported; for end checks.</summary>
    public ulong ResultOf(int thread, int number) => _engine.ResultOf(thread, number);

    /// <summary>How many values a thread reported.</summary>
    public int ResultCountOf(int thread) => _engine.ResultCountOf(thread);

    /// <summary>Results of threads and the order of their operations.</summary>
    internal IRunEngine Engine => _engine;

    /// <summary>Most operations between <see cref="Begin"/> and <see cref="End"/> of any execution so far, by operation kind.</summary>
    internal int[] MostSteps { get; } = new int[16];

    /// <summary>An operation of the running thread begins: its kind (an index into the scenario's operation names) and argument.</summary>
    public void Begin(int kind, int argument = 0)
    {
        _operation = new Operation(kind, argument);
        _startSteps = Memory.Steps;
        _startEvents = Memory.History?.Position ?? 0;
    }

    /// <summary>The operation that began last ends with a result; kept with the execution, as one of the thread's results.</summary>
    public void End(ulong result = 0)
    {
        MostSteps[_operation.Kind] = Math.Max(MostSteps[_operation.Kind], Memory.Steps - _startSteps);
        Result(Operation.Pack(_operation.Kind, _operation.Argument, result, _startEvents, Memory.History?.Position ?? 0));
    }

    /// <summary>A number from 0 to <paramref name="branches"/> − 1; every one is explored.</summary>
    public int Choose(int branches) => Memory.Engine!.Choose(branches, Site.None);

    /// <summary>Ends the exploration with an error when the condition does not hold.</summary>
    public void Assert([DoesNotReturnIf(false)] bool condition, string text)
    {
        if (!condition)
            Fail(ModelErrorKind.Assertion, text);
    }

    /// <summary>Ends the exploration with an error.</summary>
    [DoesNotReturn]
    public void Fail(ModelErrorKind kind, string text) => throw new ModelErrorException(kind, text);
}

/// <summary>What is known of an operation when it begins.</summary>
internal readonly record struct Operation(int Kind, int Argument)
{
    /// <summary>kind:8 | argument:8 | result:32 | first event:8 | end:8.</summary>
    public static ulong Pack(int kind, int argument, ulong result, int start, int end) =>
        ((ulong)kind << 56) | ((ulong)(byte)argument << 48) | ((result & uint.MaxValue) << 16) | ((ulong)(byte)start << 8) | (byte)end;
}

/// <summary>The order of events that a history needs.</summary>
internal interface IHistoryEngine
{
    int Position { get; }

    bool HappensBefore(int thread, int events, int later, int index);

    bool IsDone(int thread);

    bool ReadsNewest(int thread, int first);
}

/// <summary>Results of threads, kept with an execution.</summary>
internal interface IRunEngine
{
    void Result1(ulong value);

    ulong ResultOf(int thread, int number);

    int ResultCountOf(int thread);
}

using System.Diagnostics.CodeAnalysis;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>What a scenario's bodies and checks may ask of the engine that runs them.</summary>
public sealed class Run
{
    private readonly IRunEngine _engine;

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

/// <summary>Results of threads, kept with an execution.</summary>
internal interface IRunEngine
{
    void Result1(ulong value);

    ulong ResultOf(int thread, int number);

    int ResultCountOf(int thread);
}

using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Gates;

/// <summary>Two threads on one shared word, each body given by a test: what goes past the seam, or past determinism.</summary>
internal sealed unsafe class OneWord(Action<Run, nint, int> body) : Scenario
{
    private nint _word;

    public override string Name => "gate/one-word";

    public override string Claim => "what the seam does not see is reported";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory) => _word = (nint)memory.Words("word", 2);

    public override void Body(Run run, int thread) => body(run, _word, thread);
}

/// <summary>Bodies that do what no checked code may do.</summary>
internal static unsafe class Bypasses
{
    /// <summary>State that the engine cannot see: it survives from one execution to the next.</summary>
    [ThreadStatic]
    private static int t_calls;

    public static void ReadPastTheSeam(Run run, nint word, int thread)
    {
        ModelAtomics.StoreRelease((ulong*)word, 1, Site.BlockRelease);
        run.Result(*(ulong*)word);
    }

    public static void WritePastTheSeam(Run run, nint word, int thread) => *(ulong*)word = 1;

    public static void IncrementPastTheSeam(Run run, nint word, int thread) => Interlocked.Increment(ref *(ulong*)word);

    public static void ReadBesideTheWord(Run run, nint word, int thread) => run.Result(ModelAtomics.LoadAcquire((ulong*)(word + 4), Site.BlockLoad));

    public static void ReadOtherMemory(Run run, nint word, int thread)
    {
        var other = 0ul;
        run.Result(ModelAtomics.LoadAcquire(&other, Site.BlockLoad));
    }

    public static void AnotherSiteLater(Run run, nint word, int thread)
    {
        var site = ++t_calls < 3 ? Site.BlockClaim : Site.BlockConfirm;
        ModelAtomics.CompareExchangeAcqRel((ulong*)word, 0, 1, site);
        ModelAtomics.LoadAcquire((ulong*)word, Site.BlockLoad);
    }

    public static void AnotherValueEveryTime(Run run, nint word, int thread)
    {
        ModelAtomics.StoreRelease((ulong*)word, (ulong)++t_calls, Site.BlockRelease);
        ModelAtomics.LoadAcquire((ulong*)word, Site.BlockLoad);
    }

    public static void AnotherOperandEveryTime(Run run, nint word, int thread)
    {
        ModelAtomics.FetchAddAcqRel((ulong*)word, (ulong)++t_calls, Site.BlockCount);
        ModelAtomics.LoadAcquire((ulong*)word, Site.BlockLoad);
    }

    public static void NothingFromTheThirdTimeOn(Run run, nint word, int thread)
    {
        if (++t_calls > 2)
            return;
        ModelAtomics.StoreRelease((ulong*)word, 1, Site.BlockRelease);
        ModelAtomics.LoadAcquire((ulong*)word, Site.BlockLoad);
    }

    /// <summary>Every test begins anew.</summary>
    public static void Reset() => t_calls = 0;
}

using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>Two threads that each write a word and read the other's.</summary>
internal sealed unsafe class StoreBuffering : Scenario
{
    private ulong* _words;

    public HashSet<(ulong, ulong)> Outcomes { get; } = [];

    public List<ulong> History { get; } = [];

    public override string Name => "litmus/store-buffering";

    public override string Claim => "each thread writes its word and reads the other's";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory) => _words = memory.Words("word", 2);

    public override void Body(Run run, int thread)
    {
        ModelAtomics.StoreRelease(_words + thread, 1, Site.None);
        run.Result(ModelAtomics.LoadAcquire(_words + 1 - thread, Site.None));
    }

    public override void Check(Run run)
    {
        Outcomes.Add((run.ResultOf(0, 0), run.ResultOf(1, 0)));
        History.Add((run.ResultOf(0, 0) << 1) | run.ResultOf(1, 0));
    }
}

/// <summary>Nothing that Coyote could control.</summary>
internal sealed class NoThreads : Scenario
{
    public override string Name => "guard/no-threads";

    public override string Claim => "nothing";

    public override int Threads => 0;

    public override void Prepare(ModelMemory memory)
    {
    }

    public override void Body(Run run, int thread)
    {
    }
}

/// <summary>Two threads that count; with the planted weakness an update is lost.</summary>
internal sealed unsafe class Counter : Scenario
{
    private ulong* _count;

    public static SiteWeakening InTwoSteps => new(Site.BlockCount, WeakeningKind.Split);

    public override string Name => "guard/counter";

    public override string Claim => "no update is lost";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory) => _count = memory.Words("count");

    public override void Body(Run run, int thread) => ModelAtomics.FetchAddAcqRel(_count, 1, Site.BlockCount);

    public override void Check(Run run) => run.Assert(ModelAtomics.LoadAcquire(_count, Site.None) == 2, "an update was lost");
}

/// <summary>Message passing; with the planted weakness the flag publishes nothing.</summary>
internal sealed unsafe class Message : Scenario
{
    private ulong* _data;
    private ulong* _flag;

    public static SiteWeakening Unpublished => new(Site.StackPush, WeakeningKind.Relaxed);

    public override string Name => "guard/message";

    public override string Claim => "who sees the flag sees the data";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory)
    {
        _data = memory.Words("data");
        _flag = memory.Words("flag");
    }

    public override void Body(Run run, int thread)
    {
        if (thread == 0)
        {
            ModelAtomics.WritePlain(_data, 42, Site.None);
            ModelAtomics.StoreRelease(_flag, 1, Site.StackPush);
        }
        else if (ModelAtomics.LoadAcquire(_flag, Site.None) == 1)
        {
            run.Assert(ModelAtomics.ReadPlain(_data, Site.None) == 42, "the data is stale");
        }
    }
}

/// <summary>A thread that draws one of three, beside another that runs.</summary>
internal sealed unsafe class Chooser : Scenario
{
    private ulong* _word;

    public HashSet<ulong> Seen { get; } = [];

    public override string Name => "guard/chooser";

    public override string Claim => "every value is drawn";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory) => _word = memory.Words("word");

    public override void Body(Run run, int thread) => ModelAtomics.FetchAddAcqRel(_word, thread == 0 ? (ulong)run.Choose(3) : 0, Site.None);

    public override void Check(Run run) => Seen.Add(ModelAtomics.LoadAcquire(_word, Site.None));
}

/// <summary>A body that reads model memory past the seam.</summary>
internal sealed unsafe class RawRead : Scenario
{
    private ulong* _word;

    public override string Name => "guard/raw-read";

    public override string Claim => "nothing goes past the seam";

    public override int Threads => 2;

    public override void Prepare(ModelMemory memory) => _word = memory.Words("word");

    public override void Body(Run run, int thread) => run.Result(*_word);
}

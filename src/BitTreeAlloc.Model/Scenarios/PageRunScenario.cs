using System.Numerics;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Linearizability;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>One step of a program over a chunk: an operation of <see cref="RunsSpec"/> and its figures.</summary>
/// <param name="Kind">Take (A pages, aligned to B), Give (the run held last; or, with <paramref name="At"/>, whatever starts there), Grow (by A), Shrink (to A), Find (page A).</param>
/// <param name="A">First figure.</param>
/// <param name="B">Second figure.</param>
/// <param name="At">A page where a run may start that this thread does not hold: a mistake of a caller, or of two of them.</param>
internal readonly record struct RunMove(int Kind, int A = 0, int B = 1, int At = -1);

/// <summary>
/// Threads that take, give, grow and shrink runs in a chunk of a few pages. Each page has an owner cell that its owner writes plainly, so that two owners race; every history is one of <see cref="RunsSpec"/>,
/// which says what a failure may mean; at rest the bits are those of the runs.
/// </summary>
/// <param name="name">Name.</param>
/// <param name="claim">What must hold.</param>
/// <param name="pages">Pages of the chunk.</param>
/// <param name="start">Runs at first: first page, pages, and the thread that holds them, or -1.</param>
/// <param name="programs">Steps per thread.</param>
internal sealed unsafe class PageRunScenario<TGeometry>(string name, string claim, int pages, (int First, int Pages, int Thread)[] start, params RunMove[][] programs) : Scenario
    where TGeometry : struct, IGeometry
{
    private readonly nint[] _owners = new nint[pages];
    private RunsSpec? _spec;
    private LinearizabilityChecker? _checker;
    private RunChunk* _chunk;

    public override string Name => $"runs/{name}";

    public override string Claim => claim;

    public override int Threads => programs.Length;

    public override IReadOnlyList<string> Operations => _spec?.Operations ?? [];

    public override int? Bound => Deviations;

    public int? Deviations { get; init; }

    public int BasePage { get; init; }

    /// <summary>Takes and grows that have to come through, whatever the others do.</summary>
    public int Winners { get; init; }

    /// <summary>Runs change hands outside of their owner's order: owner cells are not written.</summary>
    public bool IsLoose { get; init; }

    private static int Words(int count) => PageRuns<ModelAtomics, TGeometry>.WordsOf(count);

    public override void Prepare(ModelMemory memory)
    {
        _chunk = (RunChunk*)memory.Native(sizeof(RunChunk));
        _chunk->Taken = memory.Words("taken", Words(pages));
        _chunk->Runs = memory.Words("run", pages);
        _chunk->BasePage = (ulong)BasePage;
        _chunk->Pages = pages;
        for (var page = 0; page < pages; page++)
            _owners[page] = (nint)memory.Words($"page{page}.owner");
        var state = 0ul;
        foreach (var run in start)
        {
            for (var page = run.First; page < run.First + run.Pages; page++)
            {
                ModelAtomics.FetchOrAcqRel(_chunk->Taken + (page >> TGeometry.WordShift), 1ul << (page & ((1 << TGeometry.WordShift) - 1)), Site.None);
                ModelAtomics.Write((ulong*)_owners[page], (ulong)run.Thread + 1, MemoryOrder.Plain, Site.None);
            }

            ModelAtomics.StoreRelease(_chunk->Runs + run.First, (ulong)run.Pages, Site.None);
            state |= (ulong)run.Pages << (4 * run.First);
        }

        _spec = new RunsSpec(pages, BasePage);
        _checker = new LinearizabilityChecker(_spec, state);
    }

    public override void Body(Run run, int thread)
    {
        var (first, held) = (-1, 0);
        foreach (var owned in start)
        {
            if (owned.Thread == thread)
                (first, held) = (owned.First, owned.Pages);
        }

        foreach (var move in programs[thread])
        {
            switch (move.Kind)
            {
                case RunsSpec.Take:
                    run.Begin(RunsSpec.Take, move.A | (move.B << 4));
                    var taken = PageRuns<ModelAtomics, TGeometry>.TryTake(_chunk, move.A, move.B, out var at);
                    run.End(taken ? (ulong)at + 1 : 0);
                    if (!taken)
                        break;
                    (first, held) = (at, move.A);
                    Own(run, at, move.A, 0, thread + 1);
                    break;
                case RunsSpec.Give when move.At >= 0 || held > 0:
                    var given = move.At >= 0 ? move.At : first;
                    if (move.At < 0)
                        Own(run, first, held, thread + 1, 0);
                    run.Begin(RunsSpec.Give, given);
                    var count = PageRuns<ModelAtomics, TGeometry>.Give(_chunk, given);
                    run.End((ulong)count);
                    run.Assert(move.At >= 0 || IsLoose || count == held, $"a run of {held} pages came back as {count}");
                    held = move.At >= 0 ? held : 0;
                    break;
                case RunsSpec.Grow when held > 0:
                    run.Begin(RunsSpec.Grow, first | (move.A << 4));
                    var grown = PageRuns<ModelAtomics, TGeometry>.TryGrow(_chunk, first, move.A);
                    run.End(grown ? 1ul : 0);
                    if (!grown)
                        break;
                    Own(run, first + held, move.A, 0, thread + 1);
                    held += move.A;
                    break;
                case RunsSpec.Shrink when held > move.A:
                    Own(run, first + move.A, held - move.A, thread + 1, 0);
                    run.Begin(RunsSpec.Shrink, first | (move.A << 4));
                    PageRuns<ModelAtomics, TGeometry>.Shrink(_chunk, first, move.A);
                    run.End();
                    held = move.A;
                    break;
                case RunsSpec.Find:
                    run.Begin(RunsSpec.Find, move.A);
                    var found = PageRuns<ModelAtomics, TGeometry>.PagesOf(_chunk, move.A, out var from);
                    run.End(found == 0 ? 0 : ((ulong)found << 8) | (uint)from);
                    break;
                default:
                    break;
            }
        }
    }

    public override void Check(Run run)
    {
        var (state, bits) = Words();
        if (bits != RunsSpec.TakenIn(state))
            run.Fail(ModelErrorKind.Leak, $"the bits are {bits:b}, the runs {state:x}");
        var won = 0;
        for (var thread = 0; thread < programs.Length; thread++)
        {
            for (var number = 0; number < run.ResultCountOf(thread); number++)
            {
                var packed = run.ResultOf(thread, number);
                won += packed >> 56 is RunsSpec.Take or RunsSpec.Grow && (uint)(packed >> 16) != 0 ? 1 : 0;
            }
        }

        run.Assert(won >= Winners, $"{won} takes and grows came through, {Winners} have to");
        _checker!.Check(run, programs.Length, state);
    }

    /// <summary>Who stopped strands the pages of the call that it was in, and never clears those of a run.</summary>
    public override void CheckStopped(Run run, int stopped)
    {
        var (state, bits) = Words();
        var stranded = bits & ~RunsSpec.TakenIn(state);
        run.Assert((RunsSpec.TakenIn(state) & ~bits) == 0, $"pages of a run are free: the bits are {bits:b}, the runs {state:x}");
        var most = Largest(programs[stopped].Any(move => move.At >= 0) ? null : stopped);
        run.Assert(BitOperations.PopCount(stranded) <= most, $"{stranded:b} is stranded, more than the {most} pages of one run");
    }

    /// <summary>Pages of the largest run that a thread, or any, may hold or ask for.</summary>
    private int Largest(int? thread)
    {
        var most = 0;
        for (var number = 0; number < programs.Length; number++)
        {
            if (thread != null && thread != number)
                continue;
            var held = programs[number].Where(move => move.Kind == RunsSpec.Take).Select(move => move.A).Concat(start.Where(run => run.Thread == number || run.Thread < 0).Select(run => run.Pages));
            most = Math.Max(most, held.DefaultIfEmpty().Max() + programs[number].Where(move => move.Kind == RunsSpec.Grow).Sum(move => move.A));
        }

        return most;
    }

    /// <summary>The runs as <see cref="RunsSpec"/> has them, and the bits, a page each.</summary>
    private (ulong State, ulong Bits) Words()
    {
        var (state, bits) = (0ul, 0ul);
        for (var page = 0; page < pages; page++)
            state |= ModelAtomics.LoadAcquire(_chunk->Runs + page, Site.None) << (4 * page);
        for (var word = 0; word < Words(pages); word++)
            bits |= ModelAtomics.LoadAcquire(_chunk->Taken + word, Site.None) << (word << TGeometry.WordShift);
        return (state, bits);
    }

    private void Own(Run run, int first, int count, int from, int to)
    {
        for (var page = first; !IsLoose && page < first + count; page++)
        {
            run.Assert(ModelAtomics.Read((ulong*)_owners[page], MemoryOrder.Plain, Site.None) == (ulong)from, $"page {page} has another owner");
            ModelAtomics.Write((ulong*)_owners[page], (ulong)to, MemoryOrder.Plain, Site.None);
        }
    }
}

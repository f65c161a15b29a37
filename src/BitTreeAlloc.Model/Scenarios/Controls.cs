using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>One control for each kind of error: a checker that has never been seen to fail has not been seen to work.</summary>
public static unsafe class Controls
{
    private const ulong Slot = 1ul << 40;

    /// <summary>All of them. NotLockFree is found by the stall test of <see cref="Mutants.ReservationStack"/>, NotLinearizable by a mutant of the recycler.</summary>
    public static IReadOnlyList<Func<Control>> All { get; } =
    [
        () => new Control(ModelErrorKind.Assertion, "assertion", 1, Words, (run, _) => run.Assert(Load(run, 0) != 0, "a word is 0")),
        () => new Control(ModelErrorKind.DataRace, "data-race", 2, Words, (run, thread) => ModelAtomics.Write(Word(run, 0), (ulong)thread, MemoryOrder.Plain, Site.None)),
        () => new Control(ModelErrorKind.DataRace, "missing-release", 2, Words, Publish),
        () => new Control(ModelErrorKind.UseAfterFree, "use-after-free", 1, OneSlot, (run, _) => Use(run, users => { users.OnAlloc(Slot); users.OnFree(Slot); users.Read(Slot); })),
        () => new Control(ModelErrorKind.DoubleFree, "double-free", 1, OneSlot, (run, _) => Use(run, users => { users.OnAlloc(Slot); users.OnFree(Slot); users.OnFree(Slot); })),
        () => new Control(ModelErrorKind.ForeignPointer, "foreign-pointer", 1, OneSlot, (run, _) => Use(run, users => users.OnFree(Slot + 8))),
        () => new Control(ModelErrorKind.WildPointer, "wild-pointer", 1, Words, (_, _) => ModelAtomics.LoadAcquire((ulong*)2048, Site.None)),
        () => new Control(ModelErrorKind.WildPointer, "raw-access", 1, Words, (run, _) => *Word(run, 0) = 1),
        () => new Control(ModelErrorKind.UnmappedAccess, "unmapped-access", 1, memory => Pages(memory, committed: false), (run, _) => Use(run, users => users.OnAlloc(Slot))),
        () => new Control(ModelErrorKind.UnmappedAccess, "commit-not-seen", 2, memory => Pages(memory, committed: false), CommitTooLate),
        () => new Control(ModelErrorKind.UnmappedAccess, "touch-after-purge", 1, OneSlot, (run, _) => Use(run, users => { users.OnAlloc(Slot); users.Purge(Slot, 4096); users.Write(Slot, 1); })),
        () => new Control(ModelErrorKind.DataRace, "purge-beside-touch", 2, OneSlot, (run, thread) => Use(run, users => TouchOrPurge(users, thread))),
        () => new Control(ModelErrorKind.Uninitialised, "uninitialised", 1, OneSlot, (run, _) => Use(run, users => { users.OnAlloc(Slot, write: false); users.Read(Slot); })),
        () => new Control(ModelErrorKind.Leak, "leak", 1, OneSlot, (run, _) => Use(run, users => users.OnAlloc(Slot)), run => run.Memory.Heap!.CheckLeaks(0)),
        () => new Control(ModelErrorKind.Deadlock, "deadlock", 2, Words, TwoLocks),
        () => new Control(ModelErrorKind.Livelock, "livelock", 1, Words, Polite),
        () => new Control(ModelErrorKind.Nondeterminism, "nondeterminism", 2, Words, Dice),
        () => new Control(ModelErrorKind.BoundExceeded, "bound-exceeded", 1, Words, (run, _) => { while (Load(run, 0) == 0) { } }),
    ];

    private static void Words(ModelMemory memory) => memory.Words("word", 4, 16);

    private static ulong* Word(Run run, int number) => (ulong*)(16ul + ((ulong)number * 8));

    private static ulong Load(Run run, int number) => ModelAtomics.LoadAcquire(Word(run, number), Site.None);

    private static void OneSlot(ModelMemory memory) => Pages(memory, committed: true);

    private static void Pages(ModelMemory memory, bool committed)
    {
        memory.Words("flag", 4, 16);
        memory.Heap = new ModelHeap(memory);
        memory.Heap.AddPage("page", Slot, 4096, committed);
        memory.Heap.AddSlot("slot", Slot);
    }

    private static void Use(Run run, Action<ModelHeap> use) => use(run.Memory.Heap!);

    private static void TouchOrPurge(ModelHeap users, int thread)
    {
        if (thread == 0)
            users.OnAlloc(Slot);
        else
            users.Purge(Slot, 4096);
    }

    private static void Publish(Run run, int thread)
    {
        if (thread == 0)
        {
            ModelAtomics.Write(Word(run, 0), 1, MemoryOrder.Plain, Site.None);
            ModelAtomics.Write(Word(run, 1), 1, MemoryOrder.Relaxed, Site.None);
        }
        else if (Load(run, 1) == 1)
        {
            ModelAtomics.Read(Word(run, 0), MemoryOrder.Plain, Site.None);
        }
    }

    private static void CommitTooLate(Run run, int thread)
    {
        if (thread == 0)
        {
            ModelAtomics.StoreRelease(Word(run, 0), 1, Site.None);
            run.Memory.Heap!.Commit(Slot, 4096);
        }
        else if (Load(run, 0) == 1)
        {
            run.Memory.Heap!.OnAlloc(Slot);
        }
    }

    private static void Lock(Run run, int number)
    {
        while (!ModelAtomics.CompareExchangeAcqRel(Word(run, number), 0, 1, Site.None))
            run.Memory.SpinHint();
    }

    private static void TwoLocks(Run run, int thread)
    {
        Lock(run, thread);
        Lock(run, 1 - thread);
        ModelAtomics.StoreRelease(Word(run, 1 - thread), 0, Site.None);
        ModelAtomics.StoreRelease(Word(run, thread), 0, Site.None);
    }

    private static void Polite(Run run, int thread)
    {
        for (; ; run.Memory.SpinHint())
        {
            ModelAtomics.ExchangeAcqRel(Word(run, 0), 1, Site.None);
            if (Load(run, 1) != 0)
                return;
            ModelAtomics.StoreRelease(Word(run, 0), 0, Site.None);
        }
    }

    private static int s_dice;

    private static void Dice(Run run, int thread)
    {
        Load(run, (s_dice++ / 2) & 1);
        ModelAtomics.StoreRelease(Word(run, 0), (ulong)thread, Site.None);
        Load(run, 0);
    }
}

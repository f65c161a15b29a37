using System.Globalization;
using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Memory;

/// <summary>
/// The memory of a scenario. Model addresses lie in the first page of the address space (8 … 4 088), so that an access past the seam is caught as a null reference with its stack;
/// words of real native memory can be registered beside them.
/// Before and after the threads (<see cref="IsDirect"/>) operations act on values directly; between, they are events of the engine.
/// </summary>
public sealed unsafe partial class ModelMemory
{
    private const int FirstPageWords = 512;

    [ThreadStatic]
    private static ModelMemory? t_current;

    private readonly short[] _firstPage = new short[FirstPageWords];
    private readonly Dictionary<ulong, short> _elsewhere = [];
    private readonly List<Cell> _cells = [];
    private readonly List<(int Thread, nint Address, byte[] Bytes)> _privates = [];
    private readonly List<(nint Start, nint End)> _natives = [];
    private int? _ignored;
    private ulong _next = sizeof(ulong);

    internal ModelMemory() => Array.Fill(_firstPage, (short)-1);

    /// <summary>The memory that <see cref="ModelAtomics"/> works on, on this thread of the machine.</summary>
    public static ModelMemory Current => t_current ?? throw new InvalidOperationException("no exploration is running on this thread");

    /// <summary>Whether operations act on values and not on an execution graph.</summary>
    public bool IsDirect { get; private set; } = true;

    internal IModelEngine? Engine { get; set; }

    /// <summary>The user's side: slots, their owners, pages; null in scenarios without.</summary>
    internal ModelHeap? Heap { get; set; }

    /// <summary>Orders that a mutant weakens, by site.</summary>
    internal SiteWeakening Weakening { get; set; } = SiteWeakening.None;

    internal static void Enter(ModelMemory? memory) => t_current = memory;

    /// <summary>Reserves consecutive words, zero at first, and names them <paramref name="name"/>, <c>name[1]</c>, ….</summary>
    /// <param name="name">What reports call them.</param>
    /// <param name="words">How many.</param>
    /// <param name="alignment">Bytes, a power of two.</param>
    public ulong* Words(string name, int words = 1, int alignment = 8)
    {
        _next = (_next + (ulong)alignment - 1) & ~((ulong)alignment - 1);
        var address = _next;
        _next += (ulong)words * sizeof(ulong);
        if (_next > FirstPageWords * sizeof(ulong))
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"the scenario needs more than {FirstPageWords - 1} words of model memory, at '{name}'");
        for (var word = 0; word < words; word++)
            AddCell(address + ((ulong)word * sizeof(ulong)), words == 1 ? name : $"{name}[{word}]", isWide: false, half: 0);
        return (ulong*)address;
    }

    /// <summary>Reserves one 16-byte word: a single location whose halves can be read alone.</summary>
    public Word16* Wide(string name)
    {
        _next = (_next + 15) & ~15ul;
        var address = _next;
        _next += 16;
        if (_next > FirstPageWords * sizeof(ulong))
            throw new ModelErrorException(ModelErrorKind.BoundExceeded, $"the scenario needs more than {FirstPageWords - 1} words of model memory, at '{name}'");
        var location = AddCell(address, name, isWide: true, half: 0);
        _firstPage[(address >> 3) + 1] = (short)location;
        return (Word16*)address;
    }

    /// <summary>Makes a word of real native memory a location. Its value now is the initial one.</summary>
    public void Register(ulong* address, string name)
    {
        _elsewhere[(ulong)address] = (short)_cells.Count;
        _cells.Add(new Cell { Name = name, Address = (ulong)address, Low = *address });
    }

    /// <summary>Makes a 16-byte word of real native memory one location. Its value now is the initial one.</summary>
    public void RegisterWide(Word16* address, string name)
    {
        _elsewhere[(ulong)address] = (short)_cells.Count;
        _cells.Add(new Cell { Name = name, Address = (ulong)address, IsWide = true, Low = ((ulong*)address)[0], High = ((ulong*)address)[1] });
    }

    /// <summary>A word of real native memory that is written and never read in this scenario: operations on it are counted, and are no events.</summary>
    public void Ignore(ulong* address)
    {
        _ignored ??= _cells.Count;
        if (_ignored == _cells.Count)
            _cells.Add(new Cell { Name = "ignored", IsIgnored = true });
        _elsewhere[(ulong)address] = (short)_ignored;
    }

    /// <summary>Native memory for what is constant during a run or private to a thread: zero at first, aligned, freed with the exploration.</summary>
    public void* Native(int bytes, int alignment = 64)
    {
        var address = NativeMemory.AlignedAlloc((nuint)bytes, (nuint)alignment);
        NativeMemory.Clear(address, (nuint)bytes);
        _natives.Add(((nint)address, (nint)address + bytes));
        return address;
    }

    internal void FreeNatives()
    {
        foreach (var (start, _) in _natives)
            NativeMemory.AlignedFree((void*)start);
        _natives.Clear();
    }

    /// <summary>Native memory that one thread alone reads and writes past the seam: it is as it is now whenever that thread begins.</summary>
    public void Private(int thread, void* address, int bytes) =>
        _privates.Add((thread, (nint)address, new ReadOnlySpan<byte>(address, bytes).ToArray()));

    /// <summary>Whether an address outside of model memory is no word of the scenario: what the shipped code reads and writes plainly there belongs to the running thread alone.</summary>
    internal bool IsPrivate(ulong address)
    {
        if (address < FirstPageWords * sizeof(ulong) || _elsewhere.ContainsKey(address))
            return false;
        if (!IsOurs(address))
            throw new ModelErrorException(ModelErrorKind.WildPointer, $"address 0x{address:x} is no memory of this scenario");
        return true;
    }

    /// <summary>Whether the address lies in memory that was made for the scenario, or on the stack.</summary>
    private bool IsOurs(ulong address)
    {
        const ulong StackReach = 1 << 20;
        foreach (var (start, end) in _natives)
        {
            if (address >= (ulong)start && address < (ulong)end)
                return true;
        }

        var here = (ulong)&address;
        return address >= here - StackReach && address < here + StackReach;
    }

    /// <summary>Name of an address in reports.</summary>
    public string NameOf(ulong address)
    {
        var location = Find(address);
        return location < 0 ? "0x" + address.ToString("x", CultureInfo.InvariantCulture) : _cells[location].Name;
    }

    internal string NameOfLocation(int location) => _cells[location].Name;

    internal int LocationCount => _cells.Count;

    internal ulong AddressOf(int location) => _cells[location].Address;

    /// <summary>Hands the initial values to an engine; operations become events.</summary>
    internal void Begin(IModelEngine engine)
    {
        Engine = engine;
        History = engine as Scenarios.IHistoryEngine;
        IsDirect = false;
        foreach (var cell in _cells)
            engine.AddLocation(cell.Low, cell.High);
    }

    /// <summary>A thread begins. Where threads run one after another, what is private to it is as it was at first.</summary>
    internal void BeginThread(int thread, bool restores = true)
    {
        Thread = thread;
        Steps = 0;
        _hintedAt = 0;
        _hints = 0;
        _wrote = false;
        WaitingSince[thread] = -1;
        Mutant?.BeginThread();
        if (restores)
            RestorePrivates(thread);
    }

    /// <summary>Makes native memory that was declared private as it was then: one thread's, or, before threads that take turns, everybody's.</summary>
    internal void RestorePrivates(int? thread = null)
    {
        foreach (var (owner, address, bytes) in _privates)
        {
            if (owner == (thread ?? owner))
                bytes.CopyTo(new Span<byte>((void*)address, bytes.Length));
        }
    }

    /// <summary>Runs an end check on the final values; what it writes is forgotten.</summary>
    internal void Inspect(Action check)
    {
        var engine = Engine!;
        for (var location = 0; location < _cells.Count; location++)
        {
            var cell = _cells[location];
            (cell.Low, cell.High) = engine.FinalOf(location);
        }

        IsDirect = true;
        try
        {
            check();
        }
        finally
        {
            IsDirect = false;
        }
    }

    internal int Locate(void* address)
    {
        var location = Find((ulong)address);
        if (location < 0)
            throw new ModelErrorException(ModelErrorKind.WildPointer, $"address 0x{(ulong)address:x} is no word of this scenario");
        return location;
    }

    internal Cell CellAt(int location) => _cells[location];

    private int Find(ulong address)
    {
        if (address < FirstPageWords * sizeof(ulong) && (address & 7) == 0)
            return _firstPage[address >> 3];
        return _elsewhere.TryGetValue(address, out var location) ? location : -1;
    }

    private int AddCell(ulong address, string name, bool isWide, int half)
    {
        _firstPage[address >> 3] = (short)_cells.Count;
        _cells.Add(new Cell { Name = name, Address = address, IsWide = isWide, Half = half });
        return _cells.Count - 1;
    }

    internal sealed class Cell
    {
        public required string Name { get; init; }

        public ulong Address { get; init; }

        public bool IsWide { get; init; }

        public int Half { get; init; }

        /// <summary>The words that are no words of the scenario share it: what is written there is lost at once, in end checks as in events.</summary>
        public bool IsIgnored { get; init; }

        public ulong Low { get; set => field = IsIgnored ? 0 : value; }

        public ulong High { get; set; }
    }
}

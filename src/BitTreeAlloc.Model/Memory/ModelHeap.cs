using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Memory;

/// <summary>
/// The user's side of a heap under test: per slot an owner cell and a payload cell, per page a state cell. Owner and payload are written plainly at alloc and at free, so a slot with two owners,
/// a use after free or an owner that does not see the last one's writes is a data race or a wrong state, without any search.
/// Slots and pages are addressed as the code under test addresses them; the addresses need not be model memory.
/// </summary>
/// <remarks>
/// A page state is read and changed atomically but relaxed: commits may repeat and overlap by contract, and an access that is not ordered after the commit can read the state before it, which is the error.
/// Each slot has a shadow of what lies under it: a plain word that a purge clears and that the holder of the block sets when it notes the page as resident, which it does as it hands the slot out. Every touch looks
/// at it: a purge that is not ordered with a use is a race, and a touch after a purge without a hand-out between is an error.
/// </remarks>
internal sealed unsafe class ModelHeap(ModelMemory memory)
{
    private const ulong Free = 0;
    private const ulong Committed = 1;

    /// <summary>Payload that nobody wrote since the slot was handed out.</summary>
    private const ulong Undefined = 0xDEAD;
    private const ulong Gone = 0;
    private const ulong Resident = 1;
    private readonly Dictionary<ulong, Slot> _slots = [];
    private readonly Dictionary<ulong, (ulong First, int Shift)> _residents = [];
    private readonly List<(ulong First, ulong End, nint State, string Name)> _pages = [];
    private readonly List<nint> _owners = [];

    /// <summary>Statuses that the model's system answers; null always agrees.</summary>
    public Func<string, bool>? Refuses { get; set; }

    /// <summary>Addresses that the model's system hands out, by bytes asked for; null and 0 refuse.</summary>
    public Func<ulong, ulong>? Reserves { get; set; }

    /// <summary>A commit means the one page that starts there, however long it is: for tables whose model is shorter than they are.</summary>
    public bool IsExact { get; set; }

    /// <summary>A purge takes the commit of its pages with it.</summary>
    public bool PurgeLosesCommit { get; set; }

    /// <summary>Runs when a purge begins.</summary>
    public Action? OnPurge { get; set; }

    /// <summary>Runs when a purge of [address, address + bytes) begins.</summary>
    public Action<ulong, ulong>? OnPurgeRange { get; set; }

    /// <summary>Declares the page [first, first + bytes).</summary>
    public void AddPage(string name, ulong first, ulong bytes, bool committed = false)
    {
        var state = memory.Words(name);
        _pages.Add((first, first + bytes, (nint)state, name));
        if (committed)
            ModelAtomics.Write(state, Committed, MemoryOrder.Relaxed, Site.None);
    }

    /// <summary>Declares a slot; its page, where it has one, has been declared before.</summary>
    /// <param name="name">What reports call it.</param>
    /// <param name="address">Its address as handed out.</param>
    /// <param name="owner">0, or 1 + the thread that owns it at first.</param>
    /// <param name="isResident">Whether it may be touched without being handed out anew.</param>
    public void AddSlot(string name, ulong address, int owner = 0, bool isResident = true)
    {
        var cells = memory.Words(name, 3);
        var page = _pages.Find(candidate => address >= candidate.First && address < candidate.End);
        _slots.Add(address, new Slot((nint)cells, (nint)(cells + 1), (nint)(cells + 2), page.State));
        _owners.Add((nint)cells);
        ModelAtomics.Write(cells + 2, isResident ? Resident : Gone, MemoryOrder.Plain, Site.None);
        if (owner != 0)
        {
            ModelAtomics.Write(cells, (ulong)owner, MemoryOrder.Plain, Site.None);
            ModelAtomics.Write(cells + 1, address, MemoryOrder.Plain, Site.None);
        }
    }

    /// <summary>Declares a word of residency bits: bit n stands for the 2^shift bytes at <paramref name="first"/> + n · 2^shift.</summary>
    public void AddResident(ulong* word, ulong first, int shift) => _residents.Add((ulong)word, (first, shift));

    /// <summary>The holder of a block writes its residency bits: pages that were gone may be touched again.</summary>
    public void OnResident(ulong* word, ulong before, ulong after)
    {
        if (!_residents.TryGetValue((ulong)word, out var range))
            return;
        for (var added = after & ~before; added != 0; added &= added - 1)
        {
            if (_slots.TryGetValue(range.First + ((ulong)System.Numerics.BitOperations.TrailingZeroCount(added) << range.Shift), out var slot))
                ModelAtomics.Write((ulong*)slot.Shadow, Resident, MemoryOrder.Plain, Site.None);
        }
    }

    /// <summary>The slot was handed to the running thread, which uses it at once.</summary>
    public void OnAlloc(ulong address, bool write = true)
    {
        var slot = Find(address);
        var (owner, payload) = (slot.Owner, slot.Payload);
        var before = ModelAtomics.Read((ulong*)owner, MemoryOrder.Plain, Site.None);
        if (before != Free)
            throw new ModelErrorException(ModelErrorKind.Assertion, $"slot {memory.NameOf((ulong)owner)} is handed to thread {memory.Thread} while thread {before - 1} has it");
        ModelAtomics.Write((ulong*)owner, (ulong)memory.Thread + 1, MemoryOrder.Plain, Site.None);
        CheckTouch(slot);
        ModelAtomics.Write((ulong*)payload, write ? address : Undefined, MemoryOrder.Plain, Site.None);
    }

    /// <summary>The running thread's last look and write before it gives the slot back.</summary>
    public void OnFree(ulong address)
    {
        var slot = Find(address);
        var (owner, payload) = (slot.Owner, slot.Payload);
        CheckOwned(owner, ModelErrorKind.DoubleFree, "freed");
        CheckTouch(slot);
        if (ModelAtomics.Read((ulong*)payload, MemoryOrder.Plain, Site.None) != address)
            throw new ModelErrorException(ModelErrorKind.Assertion, $"the contents of slot {memory.NameOf((ulong)owner)} changed in its owner's hands");
        ModelAtomics.Write((ulong*)owner, Free, MemoryOrder.Plain, Site.None);
    }

    /// <summary>A read of the payload by the running thread.</summary>
    public ulong Read(ulong address)
    {
        var slot = Find(address, ModelErrorKind.WildPointer);
        var (owner, payload) = (slot.Owner, slot.Payload);
        CheckOwned(owner, ModelErrorKind.UseAfterFree, "read");
        CheckTouch(slot);
        var value = ModelAtomics.Read((ulong*)payload, MemoryOrder.Plain, Site.None);
        return value != Undefined ? value : throw new ModelErrorException(ModelErrorKind.Uninitialised, $"slot {memory.NameOf((ulong)owner)} is read before it was written");
    }

    /// <summary>A write of the payload by the running thread.</summary>
    public void Write(ulong address, ulong value)
    {
        var slot = Find(address, ModelErrorKind.WildPointer);
        var (owner, payload) = (slot.Owner, slot.Payload);
        CheckOwned(owner, ModelErrorKind.UseAfterFree, "written");
        CheckTouch(slot);
        ModelAtomics.Write((ulong*)payload, value, MemoryOrder.Plain, Site.None);
    }

    /// <summary>The system commits a range.</summary>
    public bool Commit(ulong address, ulong bytes)
    {
        foreach (var page in _pages)
        {
            if (IsExact ? page.First != address : page.First < address || page.End > address + bytes)
                continue;
            if (Refuses != null && Refuses(page.Name))
                return false;
            ModelAtomics.Modify((ulong*)page.State, RmwKind.Or, Committed, MemoryOrder.Relaxed, Site.None);
        }

        return true;
    }

    /// <summary>The system purges a range: what lies in it is gone, the pages stay committed.</summary>
    public bool Purge(ulong address, ulong bytes)
    {
        if (Refuses != null && Refuses("purge"))
            return false;
        OnPurge?.Invoke();
        OnPurgeRange?.Invoke(address, bytes);
        foreach (var (slot, cells) in _slots)
        {
            if (slot >= address && slot < address + bytes)
                ModelAtomics.Write((ulong*)cells.Shadow, Gone, MemoryOrder.Plain, Site.None);
        }

        foreach (var page in _pages)
        {
            if (PurgeLosesCommit && page.First >= address && page.End <= address + bytes)
                ModelAtomics.Modify((ulong*)page.State, RmwKind.And, ~Committed, MemoryOrder.Relaxed, Site.None);
        }

        return true;
    }

    /// <summary>The system takes a reservation back: once.</summary>
    public void Release(ulong address)
    {
        foreach (var page in _pages)
        {
            if (page.First == address && (ModelAtomics.Modify((ulong*)page.State, RmwKind.And, ~Committed, MemoryOrder.AcqRel, Site.None) & Committed) == 0)
                throw new ModelErrorException(ModelErrorKind.DoubleFree, $"{page.Name} is released twice");
        }
    }

    /// <summary>Whether the page is committed, for end checks.</summary>
    public bool IsCommitted(string name) =>
        (ModelAtomics.Read((ulong*)_pages.Find(candidate => candidate.Name == name).State, MemoryOrder.Relaxed, Site.None) & Committed) != 0;

    /// <summary>Whether a user has the slot, for end checks.</summary>
    public bool IsOwned(ulong address) => ModelAtomics.Read((ulong*)Find(address).Owner, MemoryOrder.Plain, Site.None) != Free;

    /// <summary>End check: no slot is owned but by those who say so.</summary>
    public void CheckLeaks(int owned)
    {
        var found = _owners.Count(owner => ModelAtomics.Read((ulong*)owner, MemoryOrder.Plain, Site.None) != Free);
        if (found != owned)
            throw new ModelErrorException(ModelErrorKind.Leak, $"{found} slots are owned at the end, {owned} should be");
    }

    /// <summary>Touches a page without a slot (metadata): it has to be committed.</summary>
    public void TouchPage(string name)
    {
        var page = _pages.Find(candidate => candidate.Name == name);
        CheckPage(page.State, page.State);
    }

    private void CheckOwned(nint owner, ModelErrorKind kind, string verb)
    {
        var by = ModelAtomics.Read((ulong*)owner, MemoryOrder.Plain, Site.None);
        if (by == Free)
            throw new ModelErrorException(kind, $"slot {memory.NameOf((ulong)owner)} is {verb} by thread {memory.Thread} while it is free");
    }

    private void CheckTouch(in Slot slot)
    {
        CheckPage(slot.Page, slot.Owner);
        if (ModelAtomics.Read((ulong*)slot.Shadow, MemoryOrder.Plain, Site.None) == Gone)
            throw new ModelErrorException(ModelErrorKind.UnmappedAccess, $"slot {memory.NameOf((ulong)slot.Owner)} is touched by thread {memory.Thread}: its page was purged, and it was not handed out since");
    }

    private void CheckPage(nint page, nint what)
    {
        if (page != 0 && (ModelAtomics.Read((ulong*)page, MemoryOrder.Relaxed, Site.None) & Committed) == 0)
            throw new ModelErrorException(ModelErrorKind.UnmappedAccess, $"{memory.NameOf((ulong)what)} is touched by thread {memory.Thread} on a page that is not committed: {memory.NameOf((ulong)page)}");
    }

    private Slot Find(ulong address, ModelErrorKind kind = ModelErrorKind.ForeignPointer) =>
        _slots.TryGetValue(address, out var cells) ? cells : throw new ModelErrorException(kind, $"0x{address:x} is no slot of this heap");

    private readonly record struct Slot(nint Owner, nint Payload, nint Shadow, nint Page);
}

namespace BitTreeAlloc.Os;

/// <content>Residency, and the verbs that not every system has. Each in the order of the others: count, check, fail where told to, ask the system, write the book.</content>
public sealed unsafe partial class SimulatedVirtualMemory
{
    /// <summary>Bytes that are resident: what <see cref="Touch"/> and <see cref="VmAdvice.Populate"/> made so, in ordinary and huge pages, and the pool's pages in use.</summary>
    public ulong ResidentBytes => Read(CountResident);

    /// <summary>The most that <see cref="ResidentBytes"/> ever was.</summary>
    public ulong PeakResidentBytes => Read(() => _peakResident);

    /// <summary>Of the resident bytes, those in huge pages: transparent ones and the pools'.</summary>
    public ulong HugeBytes => Read(() => _residency.TransparentBytes + _pages.PoolBytes);

    /// <summary>Free pages of 2^<paramref name="pageShift"/> bytes in the pool of huge pages; 0 where there is no such pool.</summary>
    public ulong FreeHugePages(int pageShift) => Read(() => PoolOf(pageShift)?.FreePages ?? 0);

    /// <summary>Tells that a program touched a range: its pages become resident, an empty unit of 2 MiB as a whole where it may be huge. Nothing is read or written.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="bytes">How many, from 1.</param>
    /// <remarks>Of a page that is not committed, the touch would end the process: it counts as a violation.</remarks>
    public void Touch(void* address, nuint bytes)
    {
        var start = (nuint)address & ~(PageBytes - 1);
        var whole = (((nuint)address + bytes + PageBytes - 1) & ~(PageBytes - 1)) - start;
        Read(() =>
        {
            var breach = BreachOf(start, whole, out var reservation);
            if (reservation is not null && _pages.Count(reservation, start, whole, SimulatedPage.Reserved) != 0)
                (breach, reservation) = ("a page that is touched is not committed", null);
            if (reservation is not null)
                BecomeResident(reservation, start, whole);
            else if (_violations.Count < ViolationLimit)
                _violations.Add($"{nameof(Touch)}(0x{start:x}, {whole}): {breach}");
            _peakResident = ulong.Max(_peakResident, CountResident());
            return 0;
        });
    }

    internal VmStatus PurgeLazily(nuint address, nuint bytes)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.PurgeLazily);
            var breach = BreachOfCommitted(address, bytes, out var reservation);
            if (reservation is null)
                return End(VmVerb.PurgeLazily, address, bytes, Breach(VmVerb.PurgeLazily, address, bytes, breach));

            // Never the system's own lazy purge: when it takes pages is no business of a test that is to be repeatable.
            if (status == VmStatus.Ok && _options.LazyPurgeTakesAtOnce)
                status = _system.Purge((void*)address, bytes);
            if (status == VmStatus.Ok && _options.LazyPurgeTakesAtOnce)
            {
                _pages.SetAll(reservation, address, bytes, SimulatedPage.Purged);
                _residency.Drop(address, bytes);
            }

            return End(VmVerb.PurgeLazily, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal VmStatus MovePages(nuint from, nuint to, nuint bytes)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.MovePages);
            var breach = BreachOfCommitted(from, bytes, out var origin);
            var destination = default(SimulatedPages.Reservation);
            if (origin is not null && (breach = BreachOfOrdinary(to, bytes, out destination)).Length == 0 && (from < to ? to - from : from - to) < bytes)
                (breach, destination) = ("the ranges overlap", null);
            if (origin is null || destination is null)
                return End(VmVerb.MovePages, from, bytes, Breach(VmVerb.MovePages, from, bytes, breach), to);

            // Under a commit limit the destination is charged, and the origin stays so.
            var fresh = _options.PurgeFreesCapacity ? 0 : _pages.Count(destination, to, bytes, SimulatedPage.Reserved);
            if (status == VmStatus.Ok && fresh * PageBytes > _capacity - ulong.Min(_capacity, CountedBytes()))
                status = VmStatus.CommitRefused;
            if (status == VmStatus.Ok)
                status = MoveBySystem((void*)from, (void*)to, bytes);
            if (status == VmStatus.Ok)
            {
                _pages.Move(origin, from, destination, to, bytes);
                _residency.Move(from, to, bytes);
            }

            return End(VmVerb.MovePages, from, bytes, status, to);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal VmStatus CommitHuge(nuint address, nuint bytes, int pageShift)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.CommitHuge);
            var breach = BreachOfOrdinary(address, bytes, out var reservation);
            var pool = PoolOf(pageShift);
            if (pool is null)
                (breach, reservation) = ($"there are no huge pages of 2^{pageShift} bytes", null);
            else if (reservation is not null && ((address | bytes) & (((nuint)1 << pageShift) - 1)) != 0)
                (breach, reservation) = ("the range is not whole huge pages", null);
            if (reservation is null)
                return End(VmVerb.CommitHuge, address, bytes, Breach(VmVerb.CommitHuge, address, bytes, breach));

            if (status == VmStatus.Ok && !pool!.Exists)
                status = VmStatus.NotSupported;
            else if (status == VmStatus.Ok && pool!.FreePages < bytes >> pageShift)
                status = VmStatus.CommitRefused;

            // Ordinary pages stand for the pool's; what lay there before is dropped with its pages.
            if (status == VmStatus.Ok)
                status = _system.Commit((void*)address, bytes);
            if (status == VmStatus.Ok && _pages.Count(reservation, address, bytes, SimulatedPage.Reserved) != bytes / PageBytes)
                status = _system.Purge((void*)address, bytes);
            if (status == VmStatus.Ok)
            {
                pool!.Take(address, bytes);
                _pages.SetAll(reservation, address, bytes, SimulatedPage.Huge);
                _residency.Drop(address, bytes);
            }

            return End(VmVerb.CommitHuge, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal VmStatus DropHuge(nuint address, nuint bytes)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.DropHuge);
            var breach = BreachOf(address, bytes, out var reservation);
            if (reservation is not null && _pools.Aggregate((nuint)0, (sum, pool) => sum + pool.WholeBytes(address, bytes)) != bytes)
                (breach, reservation) = ("the range is not whole huge pages of the pools", null);
            if (reservation is null)
                return End(VmVerb.DropHuge, address, bytes, Breach(VmVerb.DropHuge, address, bytes, breach));

            if (status == VmStatus.Ok)
                status = _system.Purge((void*)address, bytes);
            if (status == VmStatus.Ok)
            {
                _ = SystemVirtualMemory.Seal((void*)address, bytes);
                foreach (var pool in _pools)
                    pool.GiveBack(address, bytes);
                _pages.SetAll(reservation, address, bytes, SimulatedPage.Reserved);
            }

            return End(VmVerb.DropHuge, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    private VmStatus TakeAdvice(SimulatedPages.Reservation reservation, nuint address, nuint bytes, VmAdvice advice)
    {
        if (advice is VmAdvice.HugePages or VmAdvice.NoHugePages && _options.TransparentHugePages == TransparentHugePageMode.Unknown)
            return VmStatus.NotSupported;
        var status = _system.Advise((void*)address, bytes, advice);
        if (advice is VmAdvice.HugePages or VmAdvice.NoHugePages && status is VmStatus.Ok or VmStatus.NotSupported)
        {
            _residency.Advise(address, bytes, advice == VmAdvice.HugePages);
            return VmStatus.Ok; // this system has them, whatever the real one has
        }

        if (advice == VmAdvice.Populate && status == VmStatus.Ok)
            BecomeResident(reservation, address, bytes);
        return status;
    }

    private void BecomeResident(SimulatedPages.Reservation reservation, nuint address, nuint bytes)
    {
        // Pages of a pool are resident from the start and are counted there.
        if (_pages.Count(reservation, address, bytes, SimulatedPage.Huge) == 0)
        {
            _residency.Touch(address, bytes, (start, length) => IsWhollyCommitted(reservation, start, length));
            return;
        }

        for (nuint at = 0; at < bytes;)
        {
            var isPool = _pages.Count(reservation, address + at, PageBytes, SimulatedPage.Huge) != 0;
            var run = PageBytes;
            while (at + run < bytes && _pages.Count(reservation, address + at + run, PageBytes, SimulatedPage.Huge) != 0 == isPool)
                run += PageBytes;
            if (!isPool)
                _residency.Touch(address + at, run, (start, length) => IsWhollyCommitted(reservation, start, length));
            at += run;
        }
    }

    private bool IsWhollyCommitted(SimulatedPages.Reservation reservation, nuint start, nuint bytes) =>
        _pages.Find(start, bytes) == reservation
        && _pages.Count(reservation, start, bytes, SimulatedPage.Reserved) + _pages.Count(reservation, start, bytes, SimulatedPage.Huge) == 0;

    // The real system may refuse (or not know) what this one grants: then pages are copied.
    private VmStatus MoveBySystem(void* from, void* to, nuint bytes)
    {
        var status = _options.StrictPurge ? _system.Commit(from, bytes) : VmStatus.Ok;
        if (status != VmStatus.Ok)
            return status;
        status = PageMover.MoveOrCopy(_system, from, to, bytes, nuint.Max(PageBytes, 2 << 20), out var copied);
        if (status != VmStatus.Ok)
            return status;
        return copied == 0 ? VmStatus.Ok : _system.Purge(from, bytes);
    }

    private SimulatedPool? PoolOf(int pageShift) => Array.Find(_pools, pool => pool.Shift == pageShift);

    private ulong CountResident() => _residency.ResidentBytes + _pages.PoolBytes;
}

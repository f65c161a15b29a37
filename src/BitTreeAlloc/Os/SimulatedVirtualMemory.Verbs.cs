namespace BitTreeAlloc.Os;

/// <content>The verbs: count, check the arguments, fail where told to, then ask the system, then write the book. In that order, so that a fault hides no breach.</content>
public sealed unsafe partial class SimulatedVirtualMemory
{
    internal VmStatus Reserve(nuint bytes, nuint alignment, void** address)
    {
        void* start = null;
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.Reserve);
            var breach = bytes == 0 || bytes % PageBytes != 0 ? "the size is no positive multiple of the page"
                : alignment < PageBytes || (alignment & (alignment - 1)) != 0 ? $"the alignment {alignment} is no power of two or below the page"
                : null;
            if (breach is not null)
                status = Breach(VmVerb.Reserve, 0, bytes, breach);
            else if (status == VmStatus.Ok && bytes > _options.AddressSpaceBytes - ulong.Min(_options.AddressSpaceBytes, _pages.ReservedBytes))
                status = VmStatus.AddressSpaceExhausted;
            if (status == VmStatus.Ok)
                status = _system.Reserve(bytes, alignment, &start);
            if (status == VmStatus.Ok)
                _pages.Add((nuint)start, bytes);
            return End(VmVerb.Reserve, (nuint)start, bytes, status);
        }
        finally
        {
            *address = start;
            _gate.Release();
        }
    }

    internal VmStatus Commit(nuint address, nuint bytes)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.Commit);
            var breach = BreachOfOrdinary(address, bytes, out var reservation);
            if (reservation is null)
                return End(VmVerb.Commit, address, bytes, Breach(VmVerb.Commit, address, bytes, breach));

            var fresh = (bytes / PageBytes) - _pages.Count(reservation, address, bytes, SimulatedPage.Backed);
            if (!_options.PurgeFreesCapacity)
                fresh -= _pages.Count(reservation, address, bytes, SimulatedPage.Purged);
            if (status == VmStatus.Ok && fresh != 0 && fresh * PageBytes > _capacity - ulong.Min(_capacity, CountedBytes()))
                status = VmStatus.CommitRefused;
            if (status == VmStatus.Ok)
                status = _system.Commit((void*)address, bytes);
            if (status == VmStatus.Ok)
                _pages.SetAll(reservation, address, bytes, SimulatedPage.Backed);
            return End(VmVerb.Commit, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal VmStatus Purge(nuint address, nuint bytes)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.Purge);
            var breach = BreachOfCommitted(address, bytes, out var reservation);
            if (reservation is null)
                return End(VmVerb.Purge, address, bytes, Breach(VmVerb.Purge, address, bytes, breach));

            // The one refusal that changes something: contents and commitment are gone (IVirtualMemory.Purge, remarks).
            var lost = status == VmStatus.CommitRefused;
            if (status == VmStatus.Ok || lost)
            {
                var answer = _system.Purge((void*)address, bytes);
                if (answer != VmStatus.Ok)
                    (status, lost) = (answer, false);
            }

            if ((status == VmStatus.Ok && _options.StrictPurge) || lost)
                _ = SystemVirtualMemory.Seal((void*)address, bytes);
            if (status == VmStatus.Ok || lost)
            {
                _pages.SetAll(reservation, address, bytes, lost ? SimulatedPage.Reserved : SimulatedPage.Purged);
                _residency.Drop(address, bytes);
            }

            return End(VmVerb.Purge, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal VmStatus Release(nuint address, nuint bytes)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.Release);
            var breach = BreachOf(address, bytes, out var reservation);
            if (reservation is not null && (reservation.Start != address || reservation.Bytes != bytes))
                (breach, reservation) = ("only a whole reservation can be released", null);
            if (reservation is null)
                return End(VmVerb.Release, address, bytes, Breach(VmVerb.Release, address, bytes, breach));

            if (status == VmStatus.Ok)
                status = _system.Release((void*)address, bytes);
            if (status == VmStatus.Ok)
            {
                foreach (var pool in _pools)
                    pool.GiveBack(address, bytes);
                _residency.Forget(address, bytes);
                _pages.Remove(reservation);
            }

            return End(VmVerb.Release, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal VmStatus Advise(nuint address, nuint bytes, VmAdvice advice)
    {
        _gate.Wait();
        try
        {
            var status = Begin(VmVerb.Advise);
            var breach = BreachOf(address, bytes, out var reservation);
            if (reservation is not null && advice == VmAdvice.Populate && _pages.Count(reservation, address, bytes, SimulatedPage.Reserved) != 0)
                (breach, reservation) = ("only committed pages can be populated", null);
            if (reservation is null)
                return End(VmVerb.Advise, address, bytes, Breach(VmVerb.Advise, address, bytes, breach));
            if (status == VmStatus.Ok)
                status = TakeAdvice(reservation, address, bytes, advice);
            return End(VmVerb.Advise, address, bytes, status);
        }
        finally
        {
            _gate.Release();
        }
    }

    private VmStatus Begin(VmVerb verb)
    {
        _calls[(int)verb]++;
        return _faults.Next(verb);
    }

    private VmStatus End(VmVerb verb, nuint address, nuint bytes, VmStatus status, nuint to = 0)
    {
        _peakBacked = ulong.Max(_peakBacked, CountedBytes());
        _peakResident = ulong.Max(_peakResident, CountResident());
        if (_options.LogLimit == 0)
            return status;
        if (_log.Count == _options.LogLimit)
            _log.Dequeue();
        _log.Enqueue(new VmCall(verb, address, bytes, status, to));
        return status;
    }

    private VmStatus Breach(VmVerb verb, nuint address, nuint bytes, string what)
    {
        if (_violations.Count < ViolationLimit)
            _violations.Add($"{verb}(0x{address:x}, {bytes}): {what}");
        return VmStatus.Invalid;
    }

    // What is wrong with a range, and the reservation it lies in where nothing is.
    private string BreachOf(nuint address, nuint bytes, out SimulatedPages.Reservation? reservation)
    {
        reservation = null;
        if (address % PageBytes != 0)
            return "the address is no multiple of the page";
        if (bytes == 0 || bytes % PageBytes != 0)
            return "the size is no positive multiple of the page";
        reservation = _pages.Find(address, bytes);
        return reservation is null ? "the range lies in no reservation" : "";
    }

    // As BreachOf, for verbs that pages of a pool do not take.
    private string BreachOfOrdinary(nuint address, nuint bytes, out SimulatedPages.Reservation? reservation)
    {
        var breach = BreachOf(address, bytes, out reservation);
        if (reservation is null || _pages.Count(reservation, address, bytes, SimulatedPage.Huge) == 0)
            return breach;
        reservation = null;
        return "a page of the range is from the pool of huge pages";
    }

    private string BreachOfCommitted(nuint address, nuint bytes, out SimulatedPages.Reservation? reservation)
    {
        var breach = BreachOfOrdinary(address, bytes, out reservation);
        if (reservation is null || _pages.Count(reservation, address, bytes, SimulatedPage.Reserved) == 0)
            return breach;
        reservation = null;
        return "a page of the range is not committed";
    }
}

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>Runs a program against an allocator and the oracle side by side; throws <see cref="OracleViolation"/> at the first disagreement.</summary>
internal sealed class ProgramRunner(AllocatorProgram program, IAllocatorUnderTest allocator)
{
    private readonly Oracle _oracle = new(program.Setup, allocator);

    public static void Run(AllocatorProgram program, Func<Setup, IAllocatorUnderTest> make)
    {
        if (Knobs.Trace is { } trace)
            File.WriteAllText(trace, program.ToString());
        using var allocator = make(program.Setup);
        new ProgramRunner(program, allocator).Run();
    }

    /// <summary>The frees of what a program leaves behind.</summary>
    public static IEnumerable<Step> Epilogue(IEnumerable<int> live) => live.Order().Select(block => new Step(Verb.FreeSized, block, Cache: block % Setup.Caches));

    private void Run()
    {
        for (var i = 0; i < program.Steps.Length; i++)
        {
            try
            {
                Take(program.Steps[i]);
            }
            catch (Exception failure) when (failure is not OracleViolation)
            {
                throw new OracleViolation($"step {i + 1} {program.Steps[i]} threw {failure}");
            }
        }

        _oracle.CompareFigures();
        foreach (var step in Epilogue([.. _oracle.LiveBlocks]))
            Free(step);
        _oracle.CompareFigures();
    }

    private void Take(in Step step)
    {
        if (step.Makes || step.Verb == Verb.Realloc)
            Serve(step);
        else if (step.Uses && !_oracle.IsLive(step.Block))
            return; // The allocation was refused.
        else if (step.Frees)
            Free(step);
        else if (step.Verb == Verb.Verify)
            _oracle.Verify(step.Block);
        else if (step.Verb == Verb.Figures)
            _oracle.CompareFigures();
        else
            allocator.Manage(step);
    }

    private void Serve(in Step step)
    {
        var isRealloc = step.Verb == Verb.Realloc;
        if (isRealloc && !_oracle.IsLive(step.Block))
            return;
        var denied = allocator.Denied;
        var error = allocator.Serve(step, isRealloc ? _oracle[step.Block].Address : 0, out var address);
        RequireExpected(step, error, allocator.Denied > denied || program.Setup.HardLimitBytes != 0);
        if (error != AllocError.None)
        {
            if (address != 0)
                throw new OracleViolation($"{step} told {error} and gave an address");
            if (isRealloc)
                _oracle.Verify(step.Block);
            _oracle.CompareFigures();
            return;
        }

        var size = step.Verb == Verb.AllocCounted ? step.Size * step.Alignment : step.Size;
        var alignment = step.Verb is Verb.AllocAligned or Verb.Realloc ? step.Alignment : 0;
        if (isRealloc)
            _oracle.Resized(step.Block, address, size, alignment);
        else
            _oracle.Made(step.Block, address, size, alignment, step.Verb is Verb.AllocZeroed or Verb.AllocCounted);
    }

    private void Free(in Step step)
    {
        _oracle.Verify(step.Block);
        var block = _oracle[step.Block];
        _oracle.Forget(step.Block);
        var error = allocator.Free(step, block.Address, block.Size, block.Alignment);
        if (error != AllocError.None)
            throw new OracleViolation($"{step} of a live block told {error}");
    }

    private static void RequireExpected(in Step step, AllocError error, bool denied)
    {
        var allowed = Expected(step);
        if (denied && allowed[0] == AllocError.None)
            allowed = [AllocError.None, AllocError.AddressSpaceExhausted, AllocError.CommitRefused, AllocError.TooManyMappings, AllocError.LimitReached];
        if (!allowed.Contains(error))
            throw new OracleViolation($"{step} told {error}, expected {string.Join(" or ", allowed)}");
    }

    private static AllocError[] Expected(in Step step)
    {
        if (step.Verb == Verb.AllocCounted && step.Size != 0 && step.Alignment > nuint.MaxValue / step.Size)
            return [AllocError.SizeOverflow];
        var size = step.Verb == Verb.AllocCounted ? step.Size * step.Alignment : step.Size;
        var badAlignment = step.Verb == Verb.AllocAligned && (step.Alignment > BitTreeAllocator.MaxAlignment || !System.Numerics.BitOperations.IsPow2(step.Alignment));
        return (badAlignment, size > BitTreeAllocator.MaxSize) switch
        {
            (true, true) => [AllocError.BadAlignment, AllocError.SizeTooLarge, AllocError.SizeOverflow],
            (true, false) => [AllocError.BadAlignment],
            (false, true) => step.Verb == Verb.AllocAligned ? [AllocError.SizeTooLarge, AllocError.SizeOverflow] : [AllocError.SizeTooLarge],
            _ => [AllocError.None],
        };
    }
}

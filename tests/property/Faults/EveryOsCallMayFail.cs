using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Faults;

/// <summary>For every k: the k-th OS call fails. The reason is right, the figures and contents are as before, and the allocator serves on.</summary>
public sealed class EveryOsCallMayFail(ITestOutputHelper output)
{
    [Theory]
    [InlineData(CasWidth.Eight, 1, 0)]
    [InlineData(CasWidth.Eight, 1, 4096)]
    [InlineData(CasWidth.Sixteen, 2, 4096)]
    [InlineData(CasWidth.Eight, 1_000_000, 4096)]
    [InlineData(CasWidth.Eight, 2, 0)]
    [InlineData(CasWidth.Eight, 1_000_000, 0)]
    [InlineData(CasWidth.Sixteen, 1, 0)]
    [InlineData(CasWidth.Sixteen, 2, 0)]
    [InlineData(CasWidth.Sixteen, 1_000_000, 0)]
    [InlineData(CasWidth.Eight, 1, 0, Level.Checked)]
    [InlineData(CasWidth.Sixteen, 1_000_000, 0, Level.Checked)]
    public void A_program_survives_the_refusal_of_n_calls_from_the_kth_on(CasWidth casWidth, int n, int limitKiB, Level level = Level.Auto)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        var setup = Setup.Default with { CasWidth = casWidth, DenyOs = true, HardLimitBytes = (ulong)limitKiB << 10, Level = level };
        var k = 1;
        for (; ; k++)
        {
            var denied = 0L;
            var program = new AllocatorProgram(setup, [new Step(Verb.DenyOs, Size: (nuint)k, Alignment: (nuint)n), .. Script()]);
            try
            {
                ProgramRunner.Run(program, made => new Counting(new RealAllocator(made), count => denied = count));
            }
            catch (OracleViolation violation)
            {
                Assert.Fail($"{n} refusal(s) from OS call {k} on: {violation.Message}");
            }

            if (denied == 0)
                break;
        }

        output.WriteLine($"the script makes {k - 1} OS calls");
        Assert.True(k > 5, "the script makes too few OS calls to show anything");
    }

    [Theory]
    [InlineData(CasWidth.Eight, false)]
    [InlineData(CasWidth.Eight, true)]
    [InlineData(CasWidth.Sixteen, false)]
    [InlineData(CasWidth.Sixteen, true)]
    public void A_constructor_that_is_refused_memory_throws_and_leaks_nothing(CasWidth casWidth, bool always)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        for (var k = 1; k < 1000; k++)
        {
            using var memory = new DenyingMemory();
            memory.Deny(k, always ? 1_000_000 : 1);
            try
            {
                using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = casWidth, VirtualMemory = memory.Table });
                memory.DenyNothing();
                Serves(allocator);
            }
            catch (OutOfMemoryException refused)
            {
                Assert.True(refused.Message.Length > 40, $"the message tells too little: {refused.Message}");
            }

            Assert.Empty(memory.Breaches());
            if (memory.Denied == 0)
                return;
        }

        Assert.Fail("the constructor makes a thousand OS calls");
    }

    [Fact]
    public void A_purge_that_fails_at_every_call_loses_and_duplicates_nothing()
    {
        foreach (var status in new[] { VmStatus.NotSupported, VmStatus.CommitRefused, VmStatus.TooManyMappings })
        {
            using var system = new SimulatedVirtualMemory();
            system.FailEvery(VmVerb.Purge, 1, status);
            using (var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { VirtualMemory = system.Table, Profile = Profile.Frugal }))
                for (var round = 0; round < 4; round++)
                    FillAndTrim(allocator);
            Assert.True(system.FaultsInjected > 0, "no purge was tried");
            Assert.Empty(system.Violations);
            Assert.Equal(0ul, system.ReservedBytes);
        }
    }

    private static unsafe void FillAndTrim(BitTreeAllocator allocator)
    {
        var live = new IntervalSet();
        var blocks = new List<(nuint Address, nuint Size)>();
        var cache = allocator.CreateCache();
        for (var i = 0; i < 6000; i++)
        {
            var size = (nuint)Sizes.Classes[i % 60];
            var p = (nuint)allocator.AllocZeroed(ref cache, size);
            Assert.True(live.TryAdd(p, size, i, out var other), $"block {i} overlaps block {other}");
            Assert.Equal(-1, Content.FirstNonZero(p, size));
            Content.Fill(p, size, (ulong)i);
            blocks.Add((p, size));
        }

        for (var i = 0; i < blocks.Count; i++)
        {
            Assert.Equal(-1, Content.FirstDifference(blocks[i].Address, blocks[i].Size, (ulong)i, blocks[i].Size));
            allocator.Free(ref cache, (void*)blocks[i].Address, blocks[i].Size);
        }

        cache.Dispose();
        allocator.Trim();
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    private static unsafe void Serves(BitTreeAllocator allocator)
    {
        var p = allocator.Alloc(100);
        Content.Fill((nuint)p, 100, 1);
        allocator.Free(p);
    }

    // Touches every kind of OS call: first use of classes, growth, direct mappings, a new cache, trim and reuse after it. Try-forms only.
    private static IEnumerable<Step> Script()
    {
        var token = 0;
        foreach (var size in new nuint[] { 8, 64, 100, 1000, 8192, 40_000, 65_536 })
            for (var i = 0; i < 8; i++)
                yield return new Step(Verb.Alloc, token++, size, 0, i % Setup.Caches, Try: true);
        for (var i = 0; i < 40; i++)
            yield return new Step(Verb.AllocZeroed, token++, 30_000, 0, 0, Try: true);
        yield return new Step(Verb.Alloc, token++, 100_000, 0, 0, Try: true);
        yield return new Step(Verb.AllocAligned, token++, 100_000, 1 << 20, Step.Ambient, Try: true);
        yield return new Step(Verb.AllocAligned, token++, 100, 4096, 1, Try: true);
        yield return new Step(Verb.Realloc, 1, 200_000, 0, 1, Try: true);
        yield return new Step(Verb.Realloc, 60, 3_000_000, 0, 2, Try: true);
        yield return new Step(Verb.Realloc, token - 3, 300_000, 0, 2, Try: true);
        yield return new Step(Verb.Realloc, token - 3, 50, 0, 2, Try: true);
        for (var i = 0; i < 60; i++)
            yield return new Step(i % 2 == 0 ? Verb.Free : Verb.FreeSized, i, Cache: i % Setup.Caches);
        yield return new Step(Verb.RenewCache, Cache: 1);
        yield return new Step(Verb.Park, Cache: 0);
        yield return new Step(Verb.Trim);
        for (var i = 0; i < 60; i++)
            yield return new Step(Verb.AllocZeroed, token++, (nuint)(i * 501), 0, (i % 4) - 1, Try: true);
        yield return new Step(Verb.Figures);
    }

    private sealed class Counting(IAllocatorUnderTest inner, Action<long> atEnd) : IAllocatorUnderTest
    {
        public long Denied => inner.Denied;

        public AllocError Serve(in Step step, nuint old, out nuint address) => inner.Serve(step, old, out address);

        public AllocError Free(in Step step, nuint address, nuint size, nuint alignment) => inner.Free(step, address, size, alignment);

        public void Manage(in Step step) => inner.Manage(step);

        public nuint UsableSize(nuint address) => inner.UsableSize(address);

        public bool Owns(nuint address) => inner.Owns(address);

        public nuint GoodSize(nuint size) => inner.GoodSize(size);

        public Figures Figures() => inner.Figures();

        public void Dispose()
        {
            atEnd(inner.Denied);
            inner.Dispose();
        }
    }
}

using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Atomics;

public sealed unsafe class CasStubTests
{
    [Fact]
    public void Reason_is_empty_exactly_when_the_stub_is_supported() => Assert.Equal(CasStub.IsSupported, CasStub.Reason.Length == 0);

    [FactIfCas16]
    public void Both_halves_are_stored_when_both_are_as_expected()
    {
        var word = NewWord(1, 2);
        Assert.True(CasStub.CompareExchange16(word, 1, 2, ulong.MaxValue, 0x8000_0000_0000_0001));
        AssertWord(word, ulong.MaxValue, 0x8000_0000_0000_0001);
        Free(word);
    }

    [FactIfCas16]
    public void Nothing_is_stored_when_either_half_differs()
    {
        var word = NewWord(1, 2);
        foreach (var (low, high) in new (ulong, ulong)[] { (0, 2), (1, 0), (2, 1), (0, 0), (1UL << 63 | 1, 2), (1, 1UL << 63 | 2), (1UL << 32 | 1, 2), (1, 1UL << 32 | 2) })
        {
            Assert.False(CasStub.CompareExchange16(word, low, high, 7, 8));
            AssertWord(word, 1, 2);
        }

        Free(word);
    }

    [FactIfCas16]
    public void Each_single_bit_of_the_expected_pair_is_compared()
    {
        var word = NewWord(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);
        for (var bit = 0; bit < 64; bit++)
        {
            Assert.False(CasStub.CompareExchange16(word, word->Low ^ (1UL << bit), word->High, 0, 0));
            Assert.False(CasStub.CompareExchange16(word, word->Low, word->High ^ (1UL << bit), 0, 0));
        }

        Free(word);
    }

    [FactIfCas16]
    public void Neighbouring_memory_is_untouched()
    {
        var words = (Word16*)NativeMemory.AlignedAlloc(48, 16);
        for (var i = 0; i < 3; i++)
            words[i] = new Word16(10, 20);
        Assert.True(CasStub.CompareExchange16(words + 1, 10, 20, 30, 40));
        AssertWord(words, 10, 20);
        AssertWord(words + 1, 30, 40);
        AssertWord(words + 2, 10, 20);
        Free(words);
    }

    /// <summary>The registers that the stub borrows belong to this method again afterwards: many live values around the call would show a lost one.</summary>
    [FactIfCas16]
    public void Values_held_by_the_caller_survive_the_call()
    {
        var word = NewWord(0, 0);
        ulong a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7;
        for (ulong i = 0; i < 200_000; i++)
        {
            Assert.True(CasStub.CompareExchange16(word, i, i, i + 1, i + 1));
            (a, b, c, d, e, f, g) = (b + i, c + i, d + i, e + i, f + i, g + i, a + i);
        }

        Assert.Equal(28 + (7 * (199_999UL * 200_000 / 2)), a + b + c + d + e + f + g);
        Free(word);
    }

    /// <summary>Every store keeps high = ~low. A stub that changed the halves apart would let another thread see, or win by, a mixed pair.</summary>
    [FactIfCas16]
    public void Two_threads_count_together_and_never_see_a_mixed_pair()
    {
        const int Rounds = 300_000;
        var word = NewWord(0, ~0UL);
        var wins = new long[2];
        var mixed = 0;
        var threads = Enumerable.Range(0, 2).Select(k => new Thread(() =>
        {
            for (var done = 0; done < Rounds;)
            {
                // A torn read is allowed: then the compare must fail, so a success with a mixed pair is the error.
                var high = HardwareAtomics.LoadHalfAcquire(word, 1, Site.None);
                var low = HardwareAtomics.LoadHalfAcquire(word, 0, Site.None);
                if (!HardwareAtomics.CompareExchange16AcqRel(word, new Word16(low, high), new Word16(low + 1, ~(low + 1)), Site.None))
                    continue;
                if (high != ~low)
                    Interlocked.Increment(ref mixed);
                wins[k]++;
                done++;
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();

        Assert.Equal(0, mixed);
        Assert.Equal(2L * Rounds, wins.Sum());
        AssertWord(word, 2 * Rounds, ~(ulong)(2 * Rounds));
        Free(word);
    }

    [FactIfCas16]
    public void Calls_allocate_nothing()
    {
        var word = NewWord(0, 0);
        Assert.True(CasStub.CompareExchange16(word, 0, 0, 1, 1));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong i = 1; i < 1000; i++)
            _ = CasStub.CompareExchange16(word, i, i, i + 1, i + 1);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Free(word);
    }

    private static Word16* NewWord(ulong low, ulong high)
    {
        var word = (Word16*)NativeMemory.AlignedAlloc(16, 16);
        *word = new Word16(low, high);
        return word;
    }

    private static void Free(Word16* word) => NativeMemory.AlignedFree(word);

    private static void AssertWord(Word16* word, ulong low, ulong high) => Assert.Equal((low, high), (word->Low, word->High));
}

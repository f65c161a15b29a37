using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Tests.Unit.Bits;

/// <summary>The pure steps of a block's word, over every combination of interesting values of its fields.</summary>
public sealed class BlockWordTests
{
    private const int MaxFree = (1 << 23) - 1;
    private const int MinFree = -(1 << 23);
    private static readonly int[] s_frees = [MinFree, -2, -1, 0, 1, 2, 125, 8192, MaxFree];
    private static readonly int[] s_cursors = [0, 1, 63, 64, 1638, 8192, BlockWord.MaxSlots];
    private static readonly int[] s_classes = [0, 1, 4, 5, 76, 255];

    [Fact]
    public void Every_field_reads_what_was_written_and_disturbs_no_other()
    {
        foreach (var fields in Combinations())
        {
            var word = fields.ToWord();
            Assert.Equal(fields, Fields.Of(word));
            Assert.Equal(word, new BlockWord(word.Raw));
        }

        // The check can fail: a word whose cursor spilled over reads otherwise.
        var spilled = new BlockWord(new Fields(0, BlockWord.MaxSlots, 1, BlockPhase.InUse, false, false, false).ToWord().Raw + (1ul << 20));
        Assert.NotEqual(new Fields(0, BlockWord.MaxSlots, 1, BlockPhase.InUse, false, false, false), Fields.Of(spilled));
    }

    [Fact]
    public void Claim_and_the_note_of_missing_pages_change_their_bit_alone()
    {
        foreach (var fields in Combinations())
        {
            Assert.Equal(fields with { Claimed = true }, Fields.Of(fields.ToWord().Claim()));
            Assert.Equal(fields, Fields.Of(fields.ToWord().WithNeedsCommit(true)));
            Assert.True(fields.ToWord().WithNeedsCommit(true).NeedsCommit);
            Assert.False(fields.ToWord().WithNeedsCommit(true).CanClaimFor(fields.Class));
            Assert.Equal(fields.ToWord(), fields.ToWord().WithNeedsCommit(true).WithNeedsCommit(false));
        }
    }

    [Fact]
    public void Give_adds_to_the_free_count_alone_also_through_zero()
    {
        foreach (var fields in Combinations())
            foreach (var count in new[] { 0, 1, 2, 125, 128 })
                if (fields.Free + count <= MaxFree)
                    Assert.Equal(fields with { Free = fields.Free + count }, Fields.Of(fields.ToWord().Give(count)));
    }

    [Fact]
    public void Release_takes_from_free_moves_the_cursor_and_lets_go()
    {
        foreach (var fields in Combinations())
            foreach (var taken in new[] { 0, 1, 125 })
                foreach (var carved in new[] { 0, 1, 125 })
                    if (fields.Free - taken >= MinFree && fields.Cursor + carved <= BlockWord.MaxSlots)
                        Assert.Equal(
                            fields with { Free = fields.Free - taken, Cursor = fields.Cursor + carved, Claimed = false },
                            Fields.Of(fields.ToWord().Release(taken, carved)));
    }

    [Fact]
    public void Birth_gives_a_block_to_a_class_held_and_zero_only_where_it_was_clean()
    {
        foreach (var fields in Combinations())
            foreach (var sizeClass in s_classes)
                Assert.Equal(
                    new Fields(0, 0, sizeClass, BlockPhase.InUse, fields.Phase == BlockPhase.Clean, true, true),
                    Fields.Of(fields.ToWord().Born(sizeClass)));
    }

    [Fact]
    public void Emptied_is_resident_and_cleaned_is_zero_and_both_are_free_to_claim()
    {
        Assert.Equal(new Fields(0, 0, 0, BlockPhase.Empty, false, true, false), Fields.Of(BlockWord.Emptied));
        Assert.Equal(new Fields(0, 0, 0, BlockPhase.Clean, true, false, false), Fields.Of(BlockWord.Cleaned));
        Assert.Equal(BlockPhase.Clean, new BlockWord(0).Phase);
    }

    [Fact]
    public void A_taker_may_claim_only_an_unclaimed_block_in_use_by_its_own_class()
    {
        foreach (var fields in Combinations())
            foreach (var sizeClass in s_classes)
                Assert.Equal(
                    !fields.Claimed && fields.Phase == BlockPhase.InUse && fields.Class == sizeClass,
                    fields.ToWord().CanClaimFor(sizeClass));
    }

    [Fact]
    public void Availability_and_all_home_follow_free_and_cursor()
    {
        foreach (var fields in Combinations())
        {
            var word = fields.ToWord();
            Assert.Equal(fields.Free == fields.Cursor, word.IsAllHome);
            foreach (var capacity in s_cursors)
                Assert.Equal(fields.Free > 0 || fields.Cursor < capacity, word.IsAvailable(capacity));
        }
    }

    private static IEnumerable<Fields> Combinations() =>
        from free in s_frees
        from cursor in s_cursors
        from sizeClass in s_classes
        from phase in Enum.GetValues<BlockPhase>()
        from bits in Enumerable.Range(0, 8)
        select new Fields(free, cursor, sizeClass, phase, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0);

    private readonly record struct Fields(int Free, int Cursor, int Class, BlockPhase Phase, bool Zero, bool Resident, bool Claimed)
    {
        public static Fields Of(BlockWord word) => new(word.Free, word.Cursor, word.Class, word.Phase, word.IsZeroAboveCursor, word.IsResident, word.IsClaimed);

        /// <summary>The layout, written a second time.</summary>
        public BlockWord ToWord() => new(
            ((ulong)(long)Free << 40) | ((ulong)Cursor << 20) | ((ulong)Class << 6) | ((ulong)Phase << 3) | (Zero ? 4ul : 0) | (Resident ? 2ul : 0) | (Claimed ? 1ul : 0));
    }
}

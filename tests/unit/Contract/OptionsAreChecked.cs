namespace BitTreeAlloc.Tests.Unit.Contract;

/// <summary>Options: what is wrong, which limit, what to do.</summary>
public sealed class OptionsAreChecked
{
    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(32)]
    [InlineData(-8)]
    public void A_minimum_alignment_other_than_8_and_16_is_refused_by_value(int alignment)
    {
        var thrown = Assert.ThrowsAny<ArgumentException>(() => new BitTreeAllocator(new BitTreeAllocatorOptions { MinimumAlignment = alignment }));
        Assert.Contains(alignment.ToString(System.Globalization.CultureInfo.InvariantCulture), thrown.Message, StringComparison.Ordinal);
        Assert.Contains("16", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_outside_an_enumeration_are_refused_by_value()
    {
        Assert.Contains("77", Assert.ThrowsAny<ArgumentException>(() => new BitTreeAllocator(new BitTreeAllocatorOptions { Profile = (Profile)77 })).Message, StringComparison.Ordinal);
        Assert.Contains("77", Assert.ThrowsAny<ArgumentException>(() => new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = (CasWidth)77 })).Message, StringComparison.Ordinal);
        Assert.Contains("77", Assert.ThrowsAny<ArgumentException>(() => new BitTreeAllocator(new BitTreeAllocatorOptions { Purging = (PurgeMode)77 })).Message, StringComparison.Ordinal);
        Assert.Contains("77", Assert.ThrowsAny<ArgumentException>(() => new BitTreeAllocator(new BitTreeAllocatorOptions { Level = (Level)77 })).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentNullException>(() => new BitTreeAllocator(null!));
    }

    [Fact]
    public void The_values_in_force_can_be_read()
    {
        foreach (var profile in Enum.GetValues<Profile>())
        {
            using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { Profile = profile, CasWidth = CasWidth.Eight });
            Assert.Equal(profile, allocator.Profile);
            Assert.Equal(CasWidth.Eight, allocator.CasWidth);
        }

        foreach (var level in new[] { Level.Fast, Level.Checked })
        {
            using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { Level = level });
            Assert.Equal(level, allocator.Level);
        }

        using var automatic = new BitTreeAllocator();
        Assert.True(automatic.CasWidth is CasWidth.Eight or CasWidth.Sixteen);
    }
}

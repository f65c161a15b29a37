namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>What an allocator under test is made of.</summary>
internal readonly record struct Setup(CasWidth CasWidth, Profile Profile, int MinimumAlignment, PurgeMode Purging = PurgeMode.OnDemand, bool DenyOs = false, ulong HardLimitBytes = 0, Level Level = Level.Auto, bool ExactRegions = false)
{
    /// <summary>Explicit caches of a program, beside the ambient one.</summary>
    public const int Caches = 3;

    public static readonly Setup Default = new(CasWidth.Auto, Profile.Balanced, 8);

    /// <summary>Every form of the recycler's head × every profile × both minimum alignments.</summary>
    public static IEnumerable<Setup> All =>
        from cas in new[] { CasWidth.Eight, CasWidth.Sixteen }
        from profile in Enum.GetValues<Profile>()
        from alignment in new[] { 8, 16 }
        select new Setup(cas, profile, alignment);

    /// <summary>One setup per form of the recycler's head.</summary>
    public static IEnumerable<Setup> BothForms => [Default with { CasWidth = CasWidth.Eight }, Default with { CasWidth = CasWidth.Sixteen }];

    public BitTreeAllocatorOptions ToOptions() => new()
    {
        CasWidth = CasWidth,
        Profile = Profile,
        MinimumAlignment = MinimumAlignment,
        Purging = Purging,
        HardLimitBytes = HardLimitBytes,
        Level = Level,
        ExactRegions = ExactRegions,
    };
}

using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.WholeAllocator;

/// <summary>The property that everything else details: random programs on the shipped allocator never disagree with the sequential oracle.</summary>
public sealed class ProgramsAgreeWithTheOracle(ITestOutputHelper output)
{
    public static TheoryData<CasWidth, Profile, int> Setups()
    {
        var data = new TheoryData<CasWidth, Profile, int>();
        foreach (var setup in Setup.All)
            data.Add(setup.CasWidth, setup.Profile, setup.MinimumAlignment);
        return data;
    }

    [Theory]
    [MemberData(nameof(Setups))]
    public void Random_programs_agree_with_the_oracle(CasWidth casWidth, Profile profile, int minimumAlignment) =>
        Agree(new Setup(casWidth, profile, minimumAlignment), runs: 200);

    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void Random_programs_agree_with_purging_off(CasWidth casWidth) =>
        Agree(Setup.Default with { CasWidth = casWidth, Purging = PurgeMode.Off }, runs: 1000);

    [Theory]
    [InlineData(CasWidth.Eight, Profile.Balanced)]
    [InlineData(CasWidth.Sixteen, Profile.Balanced)]
    [InlineData(CasWidth.Sixteen, Profile.Frugal)]
    public void Random_programs_agree_while_the_system_refuses_memory(CasWidth casWidth, Profile profile) =>
        Agree(new Setup(casWidth, profile, 8, DenyOs: true), runs: 600);

    [Theory]
    [InlineData(CasWidth.Eight, 8, false)]
    [InlineData(CasWidth.Sixteen, 8, false)]
    [InlineData(CasWidth.Sixteen, 16, false)]
    [InlineData(CasWidth.Eight, 8, true)]
    [InlineData(CasWidth.Sixteen, 8, true)]
    public void Random_programs_agree_at_the_checked_level(CasWidth casWidth, int minimumAlignment, bool denyOs) =>
        Agree(new Setup(casWidth, Profile.Balanced, minimumAlignment, DenyOs: denyOs, Level: Level.Checked), runs: 300);

    [Theory]
    [InlineData(Level.Fast, false)]
    [InlineData(Level.Fast, true)]
    [InlineData(Level.Checked, true)]
    public void Random_programs_agree_in_the_exact_mode(Level level, bool denyOs) =>
        Agree(Setup.Default with { ExactRegions = true, Level = level, DenyOs = denyOs }, runs: 300);

    private void Agree(Setup setup, int runs)
    {
        if (!CasForms.Has(setup.CasWidth, output))
            return;
        PropertyCheck.Holds(ProgramGenerator.Programs(setup), runs, program => ProgramRunner.Run(program, made => new RealAllocator(made)));
    }
}

using BitTreeAlloc.Tests.Property.Children;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Contract;

/// <summary>The environment variable BITTREE_CAS decides where the options leave the choice, and the options decide where they do not.</summary>
public sealed class CasWidthIsChosen(ITestOutputHelper output)
{
    [Theory]
    [InlineData("8", CasWidth.Eight)]
    [InlineData("16", CasWidth.Sixteen)]
    public void The_environment_forces_either_form(string value, CasWidth expected)
    {
        if (!CasForms.Has(expected, output))
            return;
        var (code, text) = Child.Run(60, [("BITTREE_CAS", value)], ["cas-width"]);
        Assert.True(code == 0, text);
        Assert.Equal(expected.ToString(), text);
    }

    [Fact]
    public void The_options_force_either_form()
    {
        foreach (var setup in Setup.BothForms.Where(setup => CasForms.Has(setup.CasWidth, output)))
        {
            using var allocator = new BitTreeAllocator(setup.ToOptions());
            Assert.Equal(setup.CasWidth, allocator.CasWidth);
        }
    }
}

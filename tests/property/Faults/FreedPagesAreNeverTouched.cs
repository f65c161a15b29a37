using BitTreeAlloc.Tests.Property.Children;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Faults;

/// <summary>Principle 1 of the design: the allocator never reads or writes a byte of user memory.</summary>
public sealed class FreedPagesAreNeverTouched(ITestOutputHelper output)
{
    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void The_allocator_works_on_while_every_user_page_is_inaccessible(CasWidth casWidth)
    {
        if (!OperatingSystem.IsLinux())
        {
            output.WriteLine("skipped: pages are protected through Linux calls");
            return;
        }

        if (!CasForms.Has(casWidth, output))
            return;
        var (code, text) = Child.Run(120, "protected-pages", casWidth.ToString());
        output.WriteLine(text);
        Assert.True(code == 0, $"exit code {code}:\n{text}");
    }

    [Fact]
    public void A_touch_of_such_a_page_ends_the_process()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var (code, _) = Child.Run(60, "touch");
        Assert.NotEqual(0, code);
        Assert.NotEqual(3, code);
    }
}

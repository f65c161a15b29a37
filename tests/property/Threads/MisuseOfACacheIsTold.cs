using BitTreeAlloc.Tests.Property.Children;
using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Threads;

public sealed class MisuseOfACacheIsTold(ITestOutputHelper output)
{
    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void A_cache_used_by_two_threads_at_once_is_told_and_nothing_crashes(CasWidth casWidth)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        for (var round = 0; round < 3; round++)
        {
            var (code, text) = Child.Run(60, "shared-cache", casWidth.ToString());
            output.WriteLine(text);
            Assert.True(code == 0, $"round {round}, exit code {code}:\n{text}");
        }
    }
}

using BitTreeAlloc.Atomics;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>Whether a form of the recycler's head can be had here. Where not, the test prints why and passes.</summary>
internal static class CasForms
{
    public static bool Has(CasWidth width, ITestOutputHelper output)
    {
        if (width != CasWidth.Sixteen || CasStub.IsSupported)
            return true;
        output.WriteLine($"skipped: the 16-byte form cannot be had here: {CasStub.Reason}");
        return false;
    }
}

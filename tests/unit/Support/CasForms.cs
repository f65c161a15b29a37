using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>The forms of the recycler's head that this machine can have: what a test that depends on the form runs on.</summary>
public static class CasForms
{
    public static TheoryData<CasWidth> All => CasStub.IsSupported ? [CasWidth.Eight, CasWidth.Sixteen] : [CasWidth.Eight];
}

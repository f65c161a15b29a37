using BitTreeAlloc.Tests.Explorer.Support;

namespace BitTreeAlloc.Tests.Explorer.Gates;

/// <summary>Gate Z1: the seam costs nothing. What ships compiles to the same instructions as code that was written without it.</summary>
public class ZeroCostTests
{
    private static readonly Lazy<Dictionary<string, List<string>>> s_listing = new(Compile);

    public static TheoryData<string, string, string> Methods
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var (shipped, twin) in ZeroCostProgram.Pairs)
            {
                foreach (var method in ZeroCostProgram.MethodsOf(twin))
                    rows.Add(shipped.Name.Split('`')[0], twin.Name, method);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_of_the_core_is_its_hand_written_twin_instruction_by_instruction(string shipped, string twin, string method)
    {
        var expected = s_listing.Value[$"{twin}:{method}"];
        var actual = s_listing.Value[$"{shipped}:{method}"];
        Assert.True(expected.Count > 3, $"{twin}:{method} has {expected.Count} instructions");
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void The_comparison_sees_a_difference()
    {
        var pop = s_listing.Value["NodeStack:TryPop"];
        Assert.NotEqual(pop, s_listing.Value["NodeStack:TakeAll"]);
        Assert.Contains(pop, line => line.Contains("cmpxchg", StringComparison.Ordinal) || line.Contains("cas", StringComparison.Ordinal));
    }

    private static Dictionary<string, List<string>> Compile()
    {
        var file = Path.GetTempFileName();
        try
        {
            var (code, text) = ChildProgram.Run(
                typeof(ZeroCostProgram),
                nameof(ZeroCostProgram.Compile),
                limits: "",
                ("DOTNET_TieredCompilation", "0"),
                ("DOTNET_JitStdOutFile", file),
                ("DOTNET_JitDisasmDiffable", "1"),
                ("DOTNET_JitDisasm", "NodeStack*:* BitTree*:* Blocks*:* NodeStackTwin:* BitTreeTwin:* BlocksTwin:*"));
            Assert.True(code == 0, $"the program ended with {code}: {text}");
            return Disassembly.Parse(File.ReadAllText(file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}

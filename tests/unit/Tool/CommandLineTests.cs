using System.Text.Json;
using BitTreeAlloc.Tests.Unit.Traces;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    [Theory]
    [InlineData("replay --allocator foo", "'foo'", "bittree, native, mimalloc, jemalloc, tcmalloc, all")]
    [InlineData("replay --allocator native,", "empty name", "--allocator")]
    [InlineData("replay --mode sideways", "'sideways'", "serial, parallel, both")]
    [InlineData("replay --mode 1", "'1'", "serial, parallel, both")]
    [InlineData("replay --profile thrifty", "'thrifty'", "Balanced, LowLatency, Frugal, LargeBuffers")]
    [InlineData("replay --level loose", "'loose'", "fast, checked")]
    [InlineData("replay --cas 12", "'12'", "16, 8")]
    [InlineData("replay --rounds 0", "'0'", "1 to 1000")]
    [InlineData("replay --rounds -1", "'-1'", "1 to 1000")]
    [InlineData("replay --rounds many", "'many'", "1 to 1000")]
    [InlineData("replay --rounds", "--rounds", "argument")]
    [InlineData("replay --frobnicate", "'--frobnicate'", "--help")]
    [InlineData("frobnicate", "'frobnicate'", "replay")]
    [InlineData("replay /nowhere/at/all.mtr", "/nowhere/at/all.mtr", "no such file")]
    [InlineData("replay --json /nowhere/at/all.json", "/nowhere/at/all.json", "cannot be written")]
    public void What_cannot_be_meant_is_named_and_answered_with_2(string arguments, string names, string legal)
    {
        var (code, output, error) = Run(arguments.Split(' '));
        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Contains(names, error, StringComparison.Ordinal);
        Assert.Contains(legal, error, StringComparison.Ordinal);
        Assert.All(error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("bittree: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_damaged_file_gives_one_line_with_file_and_offset()
    {
        var path = Path.Combine(_folder, "bad.mtr");
        File.WriteAllBytes(path, MtrWriter.Random(1, 50).ToBytes()[..^1]);
        var (code, output, error) = Run("replay", path);
        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Matches($@"^bittree: {path}: offset \d+: [^\n]+\n$", error);
    }

    [Fact]
    public void Help_teaches_by_examples()
    {
        var (code, output, _) = Run("replay", "--help");
        Assert.Equal(ExitCode.Success, code);
        foreach (var text in (string[])["Examples:", "bittree replay --verify", "--allocator", "--json", "Exit code"])
            Assert.Contains(text, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serial")]
    [InlineData("parallel")]
    public void A_whole_run_ends_in_a_table_a_file_and_0(string mode)
    {
        var trace = Path.Combine(_folder, "t.mtr.gz");
        var json = Path.Combine(_folder, "t.json");
        File.WriteAllBytes(trace, MtrWriter.Gzip(MtrWriter.Random(2, 3000, threads: 2).ToBytes()));
        var (code, output, error) = Run("replay", trace, "--allocator", "native", "--mode", mode, "--rounds", "1", "--verify", "--json", json);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("peak RSS / peak live", output, StringComparison.Ordinal);
        Assert.Contains("checked: no errors, nothing left over", output, StringComparison.Ordinal);
        var row = JsonDocument.Parse(File.ReadAllText(json)).RootElement[0];
        Assert.Equal(("random 2", mode, "native"), (row.GetProperty("trace").GetString(), row.GetProperty("mode").GetString(), row.GetProperty("allocator").GetString()));
        Assert.Equal(1, row.GetProperty("ratioToNative").GetDouble());
        Assert.True(row.GetProperty("nsPerEvent").GetDouble() > 0);
        if (RssReader.IsSupported)
            Assert.Equal(JsonValueKind.Number, row.GetProperty("rssAfterTrimBytes").ValueKind);
    }

    [Fact]
    public void Lists_are_repeatable_separable_and_free_of_duplicates()
    {
        Assert.Equal(["native", "bittree"], OptionValues.Allocators(["native,BitTree", "native"], out var all));
        Assert.False(all);
        Assert.Equal(ContenderCatalog.Names, OptionValues.Allocators(["native", "all"], out all));
        Assert.True(all);
        Assert.Equal([ReplayMode.Parallel, ReplayMode.Serial], OptionValues.Modes(["parallel", "both"]));
        Assert.Equal([Profile.Frugal, Profile.Balanced], OptionValues.Profiles(["FRUGAL,balanced"]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = CommandLine.Run(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}

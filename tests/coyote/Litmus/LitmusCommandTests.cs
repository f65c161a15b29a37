using System.Text.Json;
using BitTreeAlloc.Tool.Cli;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary><c>bittree litmus</c> as a user calls it.</summary>
public sealed class LitmusCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-litmus").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_a_model_each_test_has_a_row_per_model_and_the_json_has_numbers_and_lower_case_names()
    {
        var file = Write("# a comment\n\nSB:W x 1 rlx; R y rlx || W y 1 rlx; R x rlx\nCAS2:C x 0 1 ar || C x 0 2 ar\n");
        var json = Path.Combine(_folder, "out.json");
        var (code, output, error) = Call("litmus", file, "--json", json);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("SB", output, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(File.ReadAllText(json));
        var rows = document.RootElement.EnumerateArray().ToArray();
        Assert.Equal(["rc11", "net", "tso", "sc", "rc11", "net", "tso", "sc"], rows.Select(row => row.GetProperty("model").GetString()));
        Assert.Equal([4, 4, 4, 3, 2, 2, 2, 2], rows.Select(row => row.GetProperty("executions").GetInt32()));
        Assert.Equal("SB", rows[0].GetProperty("name").GetString());
        Assert.Equal(4, rows[0].GetProperty("outcomes").GetInt32());

        // FNV-1a over 0,0|1,1; 0,1|1,1; 1,0|1,1; 1,1|1,1; as the independent oracle computes it.
        Assert.Equal(SbHash, rows[0].GetProperty("hash").GetUInt32());
    }

    [Fact]
    public void One_model_gives_one_row_per_test_and_values_may_be_negative()
    {
        var (code, output, _) = Call("litmus", Write("N:W x -1 rlx || A x -2 sc\n"), "--model", "SC");
        Assert.Equal(0, code);
        Assert.Contains(" sc ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("rc11", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("A:R x acq\nB:Q x acq\n", "line 2", "'Q x acq' is no operation")]
    [InlineData("A:R x seq\n", "line 1", "'seq'")]
    [InlineData("\n\nno colon\n", "line 3", "no name and colon")]
    [InlineData("A:W x 1e3 rlx\n", "line 1", "'1e3'")]
    [InlineData("A:W x 1\n", "line 1", "'W x 1' is no operation")]
    [InlineData("A:R x acq||R x acq||R x acq||R x acq||R x acq||R x acq||R x acq||R x acq||R x acq\n", "line 1", "9 threads")]
    [InlineData("# nothing\n", "no litmus test", "tests.txt")]
    public void A_bad_file_is_one_clear_line_with_the_line_number_and_exit_code_2(string content, string where, string what)
    {
        var (code, output, error) = Call("litmus", Write(content));
        Assert.Equal((2, ""), (code, output));
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(where, error, StringComparison.Ordinal);
        Assert.Contains(what, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_that_is_too_large_names_its_line()
    {
        var (code, _, error) = Call("litmus", Write("A:R x acq\nB:" + string.Join("; ", Enumerable.Repeat("W x 1 rlx", 300)) + "\n"));
        Assert.Equal(2, code);
        Assert.Contains("line 2", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("litmus", "no-such-file")]
    [InlineData("litmus", "/")]
    [InlineData("litmus")]
    public void A_missing_file_is_one_line_and_exit_code_2(params string[] args)
    {
        var (code, _, error) = Call(args);
        Assert.Equal(2, code);
        Assert.StartsWith("bittree: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_model_is_named_with_those_that_are_known()
    {
        var (code, _, error) = Call("litmus", Write("A:R x acq\n"), "--model", "power");
        Assert.Equal(2, code);
        Assert.Contains("'power' is not possible; use rc11, net, tso, sc", error, StringComparison.Ordinal);
    }

    private const uint SbHash = 1_766_927_461;

    private static (int Code, string Output, string Error) Call(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = CommandLine.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private string Write(string content)
    {
        var file = Path.Combine(_folder, "tests.txt");
        File.WriteAllText(file, content);
        return file;
    }
}

using System.Diagnostics;
using System.Text.Json;

namespace BitTreeAlloc.Tests.Unit.Tool;

/// <summary>The program under bench/, as a process: what it refuses, what it lists, and that the twin in C is checked and can fail its check.</summary>
public sealed class BenchProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    private static string Program { get; } = AppContext.BaseDirectory.Replace(Path.Combine("tests", "unit"), Path.Combine("bench", "BitTreeAlloc.Bench"), StringComparison.Ordinal) + "BitTreeAlloc.Bench.dll";

    [Theory]
    [InlineData("frobnicate", "'frobnicate'", "sweep")]
    [InlineData("sweep frobnicate", "'frobnicate'", "magazine-bytes")]
    [InlineData("sweep colour order", "sweep", "one name")]
    [InlineData("twin frobnicate", "'frobnicate'", "pair-mixed")]
    [InlineData("twin --svg x", "--svg", "--help")]
    [InlineData("sweep colour --rounds", "--rounds", "value")]
    [InlineData("sweep colour --trace /nowhere/at/all", "/nowhere/at/all", "no such file")]
    [InlineData("bdn frobnicate", "'frobnicate'", "churn-1k")]
    public void What_cannot_be_meant_is_named_and_answered_with_2(string arguments, string names, string legal)
    {
        var (code, output, error) = Run(arguments);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(names, error, StringComparison.Ordinal);
        Assert.Contains(legal, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_and_the_list_of_sweeps_name_what_there_is()
    {
        var (code, help, _) = Run("sweep --help");
        Assert.Equal(0, code);
        Assert.Contains("sweep NAME", help, StringComparison.Ordinal);
        var (listed, list, _) = Run("sweep");
        Assert.Equal(0, listed);
        foreach (var name in (string[])["magazine-bytes", "magazine-slots", "classes", "blocks", "colour", "prefetch", "order", "limits", "recycler", "recycler-bytes"])
            Assert.Contains($"  {name} ", list, StringComparison.Ordinal);
    }

    [Fact]
    public void The_twin_passes_its_own_check_and_the_check_finds_planted_faults()
    {
        var (code, output, error) = Run("twin --check");
        Assert.True(code == 0, output + error);
        if (!output.StartsWith("Skipped: ", StringComparison.Ordinal))
            Assert.Equal(3, output.Split("is found").Length - 1);
    }

    [Fact]
    public void Twin_and_product_run_the_same_loops_with_contents_verified()
    {
        var json = Path.Combine(_folder, "rows.json");
        var (code, output, error) = Run($"twin --rounds 1 --json {json}");
        Assert.True(code == 0, output + error);
        if (output.StartsWith("Skipped: ", StringComparison.Ordinal))
            return;
        var rows = JsonDocument.Parse(File.ReadAllText(json)).RootElement.EnumerateArray().ToList();
        Assert.Equal(20, rows.Count);
        Assert.All(rows, row => Assert.True(row.GetProperty("medianNs").GetDouble() > 0));
        Assert.Equal(["C#", "twin in C"], rows.Select(row => row.GetProperty("contender").GetString()!).Distinct().Order(StringComparer.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (int Code, string Output, string Error) Run(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", $"\"{Program}\" {arguments}") { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}

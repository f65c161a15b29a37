using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>The stack without a generation, from the search to the page that is read.</summary>
public sealed class AbaReportTests(ITestOutputHelper output)
{
    private static readonly string[] s_threads = ["--", "--+", "-+"];

    private static StackWithoutGeneration Planted => new(s_threads, 3);

    [Fact]
    public void The_planted_bug_is_found_shrunk_and_printed_with_at_most_three_context_switches()
    {
        var report = FailureFinder.Find(Planted)!;
        output.WriteLine(report.Text);
        Assert.Equal(ModelErrorKind.Assertion, report.Error.Kind);
        Assert.Equal(2, report.Trace.Threads);
        Assert.True(report.ContextSwitches <= 3, report.Text);
        Assert.False(report.NeedsWeakMemory);
        Assert.All(report.Verdicts, verdict => Assert.True(verdict.Value));
        Assert.Equal(0, report.StaleReads);
    }

    [Fact]
    public void The_token_brings_back_the_same_graph_and_the_same_error()
    {
        var report = FailureFinder.Find(Planted)!;
        output.WriteLine(report.Token);
        var replayed = Replayer.Replay(Planted, report.Token!)!;
        Assert.Equal(report.Error, replayed.Error);
        Assert.Equal(report.GraphHash, replayed.GraphHash);
        Assert.Equal(report.Text, replayed.Text);
        Assert.True(report.Token!.Length <= 80, report.Token);
    }

    [Fact]
    public void With_a_generation_every_execution_is_right()
    {
        var result = GraphExplorer.Explore(new StackWithoutGeneration(["--", "--+"], 3, fixedUp: true)).Result;
        Assert.Null(result.Error);
        Assert.True(result.IsExhaustive);
    }

    [Fact]
    public void The_text_has_a_column_per_thread_and_a_source_per_read()
    {
        var lines = FailureFinder.Find(Planted)!.Text.Split('\n');
        Assert.Matches(@"^test/stack-pointer:\S+ under rc11: Assertion in thread \d: node \d has two owners$", lines[0]);
        Assert.Matches(@"^    \| thread 0 +\| thread 1$", lines[1]);
        Assert.Matches(@"^-+\+-+\+-+$", lines[2]);
        Assert.Contains(lines, line => line.Contains("load.acq head = n1  ← init  [StackLoadHead]", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("cas.ar head n1 → ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("coherence of head: init (n1), ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.EndsWith("explainable by a plain interleaving", StringComparison.Ordinal));
        Assert.Contains("allowed by: sc yes, tso yes, net yes, rc11 yes", lines);
        Assert.All(lines.Where(line => line.Contains("load.", StringComparison.Ordinal) || line.Contains("cas.", StringComparison.Ordinal)), line => Assert.Contains("←", line, StringComparison.Ordinal));
    }

    [Fact]
    public void The_page_is_complete_in_itself()
    {
        var page = FailureFinder.Find(Planted)!.Html;
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("href", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", page, StringComparison.Ordinal);
    }
}

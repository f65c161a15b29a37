using System.Text.Json;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Output;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class JsonReportTests : IDisposable
{
    private static readonly string[] s_names =
    [
        "trace", "mode", "allocator", "profile", "level", "events", "errors", "leftOver", "nsPerEvent", "ratioToNative", "ratioToFast", "peakLiveBytes", "peakRssBytes",
        "rssAfterFreeBytes", "rssAfterTrimBytes",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    [Fact]
    public void A_row_has_the_agreed_fields_and_numbers_are_numbers()
    {
        var row = Row() with { NsPerEvent = 1.5, RatioToNative = 0.75, RatioToFast = 1.25, Level = "checked", Memory = new MemoryFigures(300, 200, -100) };
        var written = Assert.Single(Write(row).EnumerateArray());
        Assert.Equal(s_names, written.EnumerateObject().Select(p => p.Name));
        Assert.Equal("redis", written.GetProperty("trace").GetString());
        Assert.Equal("Frugal", written.GetProperty("profile").GetString());
        Assert.Equal("checked", written.GetProperty("level").GetString());
        Assert.Equal([7, 0, 0, 1.5, 0.75, 1.25, 99, 300, 200, -100], s_names[5..].Select(n => written.GetProperty(n).GetDouble()));
    }

    [Fact]
    public void What_was_not_measured_is_null()
    {
        var written = Assert.Single(Write(Row() with { Profile = null }).EnumerateArray());
        foreach (var name in (string[])["profile", "level", "nsPerEvent", "ratioToNative", "ratioToFast", "peakRssBytes", "rssAfterFreeBytes", "rssAfterTrimBytes"])
            Assert.Equal(JsonValueKind.Null, written.GetProperty(name).ValueKind);
    }

    [Fact]
    public void An_old_report_is_replaced_and_nothing_else_is_left_behind()
    {
        var path = Path.Combine(_folder, "out.json");
        File.WriteAllText(path, "old");
        var report = new JsonReport(path);
        Assert.Equal("old", File.ReadAllText(path));
        report.Write([Row()]);
        Assert.Equal(1, JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetArrayLength());
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_target_that_cannot_be_written_is_refused_before_the_run()
    {
        foreach (var path in (string[])[_folder, Path.Combine(_folder, "none", "out.json"), "a\0b"])
            Assert.Contains("cannot be written", Assert.Throws<CliException>(() => new JsonReport(path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static ResultRow Row() =>
        new() { Trace = "redis", Mode = "serial", Allocator = "bittree", Profile = "Frugal", Events = 7, PeakLiveBytes = 99 };

    private JsonElement Write(ResultRow row)
    {
        var path = Path.Combine(_folder, "row.json");
        new JsonReport(path).Write([row]);
        return JsonDocument.Parse(File.ReadAllText(path)).RootElement.Clone();
    }
}

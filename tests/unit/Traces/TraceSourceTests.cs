using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tests.Unit.Traces;

public sealed class TraceSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    [Fact]
    public void The_embedded_trace_is_the_recorded_sqlite_run()
    {
        var trace = TraceSource.Load(TraceSource.Embedded);
        Assert.Equal(new TraceHeader(1, 2038641, 2038625, 1327, 1007421, 5686051, 1327, 301054763, "sqlite"), trace.Header);
        Assert.Equal(1007421, trace.Events.Count(e => e.Op == TraceOp.Malloc));
        Assert.Equal(1007421, trace.Events.Count(e => e.Op == TraceOp.Free));
        Assert.Equal(23799, trace.Events.Count(e => e.Op == TraceOp.Realloc));
    }

    [Fact]
    public void Files_are_told_apart_by_content_not_by_name()
    {
        var bytes = MtrWriter.Random(3, 100).ToBytes();
        var plain = Write("plain.mtr.gz", bytes);
        var compressed = Write("compressed.mtr", MtrWriter.Gzip(bytes));
        Assert.Equal(TraceSource.Load(plain).Events, TraceSource.Load(compressed).Events);
    }

    [Fact]
    public void What_is_no_file_is_said_so()
    {
        Assert.Contains("directory", Assert.Throws<IOException>(() => TraceSource.Load(_folder)).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<IOException>(() => TraceSource.Load(Path.Combine(_folder, "none"))).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<IOException>(() => TraceSource.Load(Path.Combine(_folder, "none", "none"))).Message, StringComparison.Ordinal);
        Assert.Contains("no file name", Assert.Throws<IOException>(() => TraceSource.Load("a\0b")).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}

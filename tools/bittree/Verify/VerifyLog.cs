namespace BitTreeAlloc.Tool.Verify;

/// <summary>Counts violations and keeps the text of the first few. Thread-safe.</summary>
internal sealed class VerifyLog
{
    /// <summary>Violations whose text is kept.</summary>
    public const int Kept = 8;

    private readonly List<string> _first = [];
    private long _errors;

    /// <summary>Violations so far.</summary>
    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>The first violations.</summary>
    public IReadOnlyList<string> First => _first;

    /// <summary>Notes a violation; <paramref name="describe"/> runs only where the text is kept.</summary>
    public void Add(Func<string> describe)
    {
        if (Interlocked.Increment(ref _errors) > Kept)
            return;
        var text = describe();
        lock (_first)
            _first.Add(text);
    }
}

namespace BitTreeAlloc.Tool.Explore;

/// <summary>A line on the error stream every two seconds, while something long goes on.</summary>
internal sealed class ProgressTicker : IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    private readonly TextWriter _error;
    private readonly Timer _timer;
    private bool _spoke;

    public ProgressTicker(TextWriter error, Func<string> text)
    {
        _error = TextWriter.Synchronized(error);
        _timer = new Timer(_ => Say(text()), null, s_pause, s_pause);
    }

    /// <summary>A step that ended; told once the run has taken long enough to tell anything.</summary>
    public void Note(string text)
    {
        if (Volatile.Read(ref _spoke))
            _error.WriteLine($"bittree: {text}");
    }

    public void Dispose() => _timer.Dispose();

    private void Say(string text)
    {
        Volatile.Write(ref _spoke, true);
        _error.WriteLine($"bittree: {text}");
    }
}

using System.Diagnostics;
using Spectre.Console;

namespace BitTreeAlloc.Tool.Output;

/// <summary>
/// Shows how far the work is, on the error stream: a bar on a terminal, otherwise a plain line now and then. Drawn only between replays, never by
/// a thread of its own, which would take time from what is being timed.
/// </summary>
internal sealed class ProgressReporter
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(2);

    private readonly TextWriter _error;
    private readonly int _total;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private ProgressContext? _context;
    private ProgressTask? _task;
    private TimeSpan _lastLine;
    private int _done;

    private ProgressReporter(TextWriter error, int total)
    {
        _error = error;
        _total = total;
    }

    /// <summary>What is going on, for the next steps.</summary>
    public string Activity { get; set; } = "";

    /// <summary>Runs <paramref name="work"/>, which reports <paramref name="total"/> steps.</summary>
    public static void Run(TextWriter error, int total, Action<ProgressReporter> work)
    {
        var reporter = new ProgressReporter(error, total);
        if (Console.IsErrorRedirected || !ReferenceEquals(error, Console.Error))
        {
            work(reporter);
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        console.Progress().AutoRefresh(false).AutoClear(true).HideCompleted(false)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                reporter._context = context;
                reporter._task = context.AddTask("starting", maxValue: Math.Max(1, total));
                work(reporter);
            });
    }

    /// <summary>Notes that one step is done.</summary>
    public void Step()
    {
        _done = Math.Min(_done + 1, _total);
        Show();
    }

    /// <summary>Shows how far the work is, where that was last done some time ago; within long steps.</summary>
    public void Show()
    {
        if (_task is not null)
        {
            _task.Description = Markup.Escape(Activity);
            _task.Value = _done;
            if (_clock.Elapsed >= s_quiet)
                _context!.Refresh();
        }
        else if (_clock.Elapsed - _lastLine >= s_quiet)
        {
            _lastLine = _clock.Elapsed;
            _error.WriteLine($"bittree: {100L * _done / Math.Max(1, _total)} %  {Activity}");
        }
    }
}

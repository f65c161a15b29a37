using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Output;
using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Cli;

/// <summary>One call of <c>bittree replay</c>, from the checked options to the exit code. Everything a user can get wrong is found before the long work.</summary>
internal sealed class ReplaySession(TextWriter output, TextWriter error)
{
    private readonly List<ResultRow> _rows = [];

    // Kept until the progress bar is gone.
    private readonly List<string> _problems = [];
    private ReplayOptions _options = new();

    /// <summary>Runs; returns the exit code.</summary>
    public int Run(ReplayOptions options)
    {
        _options = options;
        var report = options.Json is null ? null : new JsonReport(options.Json);
        ContenderCatalog.PrepareProcess(options.Allocators);
        var contenders = MakeContenders();
        if (!TryLoad(out var traces))
            return ExitCode.BadInput;

        if (!RssReader.IsSupported)
            Warn("memory figures need /proc (Linux); they are left out");
        var children = RssReader.IsSupported ? Math.Min(options.Rounds, MemoryStudy.MostChildren) : 0;
        var perMode = (contenders.Count * (1 + options.Rounds + (options.Verify ? 1 : 0))) + (children == 0 ? 0 : MemoryStudy.Steps(contenders.Count, children));
        ProgressReporter.Run(error, perMode * options.Modes.Count * traces.Count, progress =>
        {
            foreach (var (file, trace) in traces)
            {
                foreach (var mode in options.Modes)
                    RunOne(file, new Workload(trace, mode), contenders, children, progress);
            }
        });

        foreach (var line in _problems)
            Warn(line);
        ResultTable.Write(output, _rows, options.Verify);
        if (ClosingSentence.Make(_rows, options.Verify) is { Length: > 0 } sentence)
            output.WriteLine(sentence);
        report?.Write(_rows);
        return _rows.Exists(r => r.Errors != 0 || r.LeftOver != 0) ? ExitCode.Failed : ExitCode.Success;
    }

    private void RunOne(string file, Workload workload, List<Contender> contenders, int children, ProgressReporter progress)
    {
        var where = $"{workload.Trace.Name} {workload.Mode.ToString().ToLowerInvariant()}";
        var rows = contenders.Select(c => MakeRow(workload, c)).ToArray();
        _rows.AddRange(rows);
        if (_options.Verify)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                progress.Activity = $"{where}: checking {contenders[i].Label}";
                Verify(contenders[i], workload, rows[i], where);
                progress.Step();
            }
        }

        progress.Activity = $"{where}: timing";
        Time(workload, contenders, rows, where, progress);
        if (children == 0)
            return;
        var study = new MemoryStudy(file, workload.Mode, _options.Cas, children);
        for (var i = 0; i < rows.Length; i++)
        {
            progress.Activity = $"{where}: memory of {contenders[i].Label}";
            var (figures, problem) = study.Measure(contenders[i], progress.Step);
            rows[i].Memory = figures;
            if (problem is not null)
                Fail(rows[i], where, contenders[i], problem);
        }
    }

    private void Verify(Contender contender, Workload workload, ResultRow row, string where)
    {
        try
        {
            var outcome = contender.Verify(workload);
            row.Errors += outcome.Errors;
            row.LeftOver += outcome.LeftOver;
            _problems.AddRange(outcome.First.Select(line => $"{where}, {contender.Label}: {line}"));
            if (outcome.LeftOver != 0)
                _problems.Add($"{where}, {contender.Label}: {outcome.LeftOver} objects are left over after the last free");
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            Fail(row, where, contender, e.Message);
        }
    }

    private void Time(Workload workload, List<Contender> contenders, ResultRow[] rows, string where, ProgressReporter progress)
    {
        // One that cannot even start is left out of the rounds; the others are still timed.
        var running = new List<int>();
        for (var i = 0; i < rows.Length; i++)
        {
            try
            {
                contenders[i].StartTiming(workload).Dispose();
                running.Add(i);
            }
            catch (Exception e) when (Contender.IsFailure(e))
            {
                Fail(rows[i], where, contenders[i], e.Message);
            }
        }

        try
        {
            var times = RoundTimer.Run(running.ConvertAll(i => contenders[i]), workload, _options.Rounds, progress.Step);
            var native = running.FindIndex(i => contenders[i].Name == ContenderCatalog.Native);
            for (var r = 0; r < running.Count; r++)
            {
                var row = rows[running[r]];
                row.NsPerEvent = times.Median(r) / Math.Max(1, row.Events);
                row.RatioToNative = native < 0 ? null : times.Ratio(r, native);
                var fast = row.Level != "checked" ? -1 : running.FindIndex(i => rows[i].Level == "fast" && rows[i].Profile == row.Profile);
                row.RatioToFast = fast < 0 ? null : times.Ratio(r, fast);
                row.LeftOver += times.LeftOver[r];
            }
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            foreach (var i in running)
                Fail(rows[i], where, contenders[i], $"the timed rounds ended early: {e.Message}");
        }
    }

    private void Fail(ResultRow row, string where, Contender contender, string message)
    {
        row.Errors++;
        _problems.Add($"{where}, {contender.Label}: {message}");
    }

    private static ResultRow MakeRow(Workload workload, Contender contender) => new()
    {
        Trace = workload.Trace.Name,
        Mode = workload.Mode.ToString().ToLowerInvariant(),
        Allocator = contender.Name,
        Profile = contender.Profile?.ToString(),
        Level = contender.Level?.ToString().ToLowerInvariant(),
        Events = workload.Trace.Events.Length,
        PeakLiveBytes = (long)workload.Trace.Header.PeakLiveBytes,
    };

    private List<Contender> MakeContenders()
    {
        var contenders = new List<Contender>();
        foreach (var name in _options.Allocators)
        {
            var profiles = name == ContenderCatalog.BitTree ? _options.Profiles : [Profile.Balanced];
            var levels = name == ContenderCatalog.BitTree ? _options.Levels.Select(InForce).Distinct() : [Level.Fast];
            foreach (var (profile, level) in profiles.SelectMany(profile => levels.Select(level => (profile, level))))
            {
                if (ContenderCatalog.Make(name, profile, level, _options.Cas) is { } contender)
                    contenders.Add(contender);
                else if (_options.WarnAboutMissing)
                    Warn($"{name} is not installed here and gets no row ({ContenderCatalog.WhereToGet(name)})");
            }
        }

        return contenders;
    }

    private static Level InForce(Level level)
    {
        if (level != Level.Auto)
            return level;
        try
        {
            using var allocator = new BitTreeAllocator();
            return allocator.Level;
        }
        catch (ArgumentException e)
        {
            throw new CliException(e.Message);
        }
    }

    private bool TryLoad(out List<(string File, Trace Trace)> traces)
    {
        traces = [];
        var good = true;
        foreach (var file in _options.Files)
        {
            try
            {
                traces.Add((file, TraceSource.LoadFitting(file)));
            }
            catch (Exception e) when (e is IOException or TraceFormatException)
            {
                error.WriteLine($"bittree: {file}: {e.Message}");
                good = false;
            }
        }

        return good;
    }

    private void Warn(string line) => error.WriteLine($"bittree: {line}");
}

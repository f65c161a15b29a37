using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>A trace that loops replay, under a name that no other trace of the run has.</summary>
/// <param name="Name">Letters, digits and <c>-_.</c> only.</param>
/// <param name="File">Where a child process finds it.</param>
/// <param name="Trace">Its events.</param>
internal sealed record NamedTrace(string Name, string File, Trace Trace)
{
    /// <summary>Reads the traces of <paramref name="files"/>, the embedded one where there are none; each file once.</summary>
    /// <param name="files">Paths.</param>
    /// <param name="problem">Called with a line for each one that cannot be read; it is left out.</param>
    public static List<NamedTrace> Load(IReadOnlyList<string> files, Action<string> problem)
    {
        var traces = new List<NamedTrace>();
        foreach (var file in files.Count == 0 ? [TraceSource.Embedded] : files.DistinctBy(Path.GetFullPath))
        {
            try
            {
                Add(traces, file, TraceSource.LoadFitting(file));
            }
            catch (Exception e) when (e is IOException or TraceFormatException)
            {
                problem($"{file}: {e.Message}");
            }
        }

        return traces;
    }

    /// <summary>Adds a trace under its own name, or that with a number where the name is taken.</summary>
    public static void Add(List<NamedTrace> traces, string file, Trace trace)
    {
        var plain = string.Concat(trace.Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));
        var name = plain;
        for (var number = 2; traces.Exists(other => other.Name.Equals(name, StringComparison.OrdinalIgnoreCase)); number++)
            name = $"{plain}-{number}";
        traces.Add(new NamedTrace(name, file, trace));
    }
}

using System.Globalization;
using System.Text;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>A trace as text: one column per thread, one row per step.</summary>
internal static class TextReport
{
    private const int WidestColumn = 72;

    public static string Of(FailureReport failure)
    {
        var line = failure.Line;
        var trace = failure.Trace;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{failure.Scenario} under {NameOf(failure.Model)}: {failure.Error.Kind} in thread {failure.Error.Thread}: {failure.Error.Text}\n");
        AppendRows(text, trace, line);
        AppendCoherence(text, trace, line);
        text.Append(CultureInfo.InvariantCulture, $"\n{line.Switches} context {(line.Switches == 1 ? "switch" : "switches")}, {line.Order.Length} steps; ");
        text.Append(line.IsInterleaving ? "explainable by a plain interleaving\n" : $"needs weak memory: {line.Missed.Count} stale {(line.Missed.Count == 1 ? "read" : "reads")} in this order\n");
        text.Append("allowed by: ").AppendJoin(", ", trace.Verdicts.Select(pair => $"{NameOf(pair.Key)} {(pair.Value ? "yes" : "no")}")).Append('\n');
        if (failure.Token != null)
            text.Append(CultureInfo.InvariantCulture, $"replay: {failure.Token}\n");
        return text.ToString();
    }

    public static string NameOf(MemoryModel model) => model switch
    {
        MemoryModel.Rc11 => "rc11",
        MemoryModel.Net => "net",
        MemoryModel.Tso => "tso",
        _ => "sc",
    };

    /// <summary>Per step the row it stands in, from 1.</summary>
    public static int[] RowsOf(Linearization line)
    {
        var rows = new int[line.Order.Length];
        for (var position = 0; position < rows.Length; position++)
            rows[line.Order[position]] = position + 1;
        return rows;
    }

    private static void AppendRows(StringBuilder text, ExecutionTrace trace, Linearization line)
    {
        var rows = RowsOf(line);
        var cells = new string[trace.Steps.Count];
        var widths = new int[trace.Threads];
        for (var thread = 0; thread < trace.Threads; thread++)
            widths[thread] = $"thread {thread}".Length;
        for (var number = 0; number < cells.Length; number++)
        {
            cells[number] = StepText.Of(trace.Steps[number], rows, line.Missed.GetValueOrDefault(number, -1));
            var thread = trace.Steps[number].Thread;
            widths[thread] = Math.Min(WidestColumn, Math.Max(widths[thread], cells[number].Length));
        }

        text.Append("    ");
        for (var thread = 0; thread < trace.Threads; thread++)
            text.Append("| ").Append(thread == trace.Threads - 1 ? $"thread {thread}" : $"thread {thread}".PadRight(widths[thread] + 1));
        text.Append('\n').Append("----");
        for (var thread = 0; thread < trace.Threads; thread++)
            text.Append('+').Append('-', widths[thread] + 2);
        text.Append('\n');
        foreach (var number in line.Order)
        {
            text.Append(rows[number].ToString(CultureInfo.InvariantCulture).PadLeft(3)).Append(' ');
            for (var thread = 0; thread < trace.Threads; thread++)
                text.Append("| ").Append((trace.Steps[number].Thread == thread ? cells[number] : "").PadRight(widths[thread] + 1));
            while (text[^1] == ' ')
                text.Length--;
            text.Append('\n');
        }
    }

    /// <summary>Coherence order where the rows do not show it: more than one thread writes, or a store comes to stand before one in an earlier row.</summary>
    private static void AppendCoherence(StringBuilder text, ExecutionTrace trace, Linearization line)
    {
        var rows = RowsOf(line);
        for (var location = 0; location < trace.Coherence.Count; location++)
        {
            var stores = trace.Coherence[location];
            if (stores.Select(number => trace.Steps[number].Thread).Distinct().Count() < 2)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"coherence of {trace.Names[location]}: init ({trace.Initial[location]})");
            foreach (var number in stores)
                text.Append(CultureInfo.InvariantCulture, $", {rows[number]} ({trace.Steps[number].Written})");
            text.Append('\n');
        }
    }
}

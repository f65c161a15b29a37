using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>One step of a trace as a line of text.</summary>
internal static class StepText
{
    /// <summary>The text; <paramref name="rows"/> gives the row in which a step stands, <paramref name="missed"/> the step that a stale read missed, or −1.</summary>
    public static string Of(TraceStep step, int[] rows, int missed)
    {
        var text = step.Kind switch
        {
            EventKind.Fence => $"fence{OrderOf(step)}",
            EventKind.Choice => $"choice = {step.Written}",
            EventKind.Write => $"store{OrderOf(step)} {step.Name} = {step.Written}",
            _ => step.Rmw == RmwKind.None ? ReadOf(step) : UpdateOf(step),
        };
        if (step.Reads)
            text += step.Source < 0 ? "  ← init" : $"  ← {rows[step.Source]}";
        if (missed >= 0)
            text += $"  STALE, missed {rows[missed]}";
        return step.Site == Site.None ? text : $"{text}  [{step.Site}]";
    }

    private static string ReadOf(TraceStep step)
    {
        if (step.Half == 2)
            return $"load{OrderOf(step)} {step.Name} = {step.Read}";
        var parts = step.Read.Split('/');
        return $"load{OrderOf(step)} {step.Name}.{(step.Half == 0 ? "low" : "high")} = {(parts.Length == 2 ? parts[step.Half] : step.Read)}";
    }

    private static string UpdateOf(TraceStep step)
    {
        var name = step.Rmw switch
        {
            RmwKind.CompareExchange => "cas",
            RmwKind.Exchange => "exchange",
            RmwKind.Add => "add",
            RmwKind.And => "and",
            _ => "or",
        };
        if (step.Rmw == RmwKind.CompareExchange && !step.Wrote)
            return $"cas{OrderOf(step)} {step.Name} ({step.Written}) fails, is {step.Read}";
        return $"{name}{OrderOf(step)} {step.Name} {step.Read} → {(step.Wrote ? step.Written : "?")}";
    }

    private static string OrderOf(TraceStep step) => step.Order switch
    {
        MemoryOrder.Plain => ".plain",
        MemoryOrder.Relaxed => ".rlx",
        MemoryOrder.Acquire => ".acq",
        MemoryOrder.Release => ".rel",
        MemoryOrder.AcqRel => ".ar",
        _ => ".sc",
    };
}

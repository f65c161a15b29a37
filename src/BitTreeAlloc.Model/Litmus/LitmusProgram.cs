using System.Globalization;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Litmus;

/// <summary>What one operation of a litmus test does.</summary>
public enum LitmusKind
{
    /// <summary>Store.</summary>
    Write,

    /// <summary>Load.</summary>
    Read,

    /// <summary>Fetch-add.</summary>
    Add,

    /// <summary>Exchange.</summary>
    Exchange,

    /// <summary>Compare-exchange.</summary>
    CompareExchange,

    /// <summary>Fence.</summary>
    Fence,
}

/// <summary>One operation.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Location">Number of the location.</param>
/// <param name="Value">Value stored, added, or expected.</param>
/// <param name="Desired">Of a compare-exchange: the new value.</param>
/// <param name="Order">The order.</param>
public readonly record struct LitmusOperation(LitmusKind Kind, int Location, ulong Value, ulong Desired, MemoryOrder Order);

/// <summary>A line of a litmus file that is no litmus test.</summary>
public sealed class LitmusFormatException(string message) : FormatException(message);

/// <summary>A litmus test: threads of operations over named locations that start at 0.</summary>
public sealed class LitmusProgram
{
    private LitmusProgram(string name, IReadOnlyList<string> locations, IReadOnlyList<IReadOnlyList<LitmusOperation>> threads)
    {
        Name = name;
        Locations = locations;
        Threads = threads;
    }

    /// <summary>The test's name.</summary>
    public string Name { get; }

    /// <summary>Names of the locations, in order of first use.</summary>
    public IReadOnlyList<string> Locations { get; }

    /// <summary>The threads.</summary>
    public IReadOnlyList<IReadOnlyList<LitmusOperation>> Threads { get; }

    /// <summary>A program made in code.</summary>
    public static LitmusProgram Of(string name, IReadOnlyList<string> locations, IReadOnlyList<IReadOnlyList<LitmusOperation>> threads) => new(name, locations, threads);

    /// <summary>Reads <c>name:thread || thread</c>, a thread being <c>op; op</c>.</summary>
    /// <exception cref="LitmusFormatException">The line is something else; the message says what and where.</exception>
    public static LitmusProgram Parse(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            throw new LitmusFormatException("a test is NAME:THREAD || THREAD …; there is no name and colon");
        var name = line[..colon].Trim();
        var locations = new List<string>();
        var threads = new List<IReadOnlyList<LitmusOperation>>();
        foreach (var text in line[(colon + 1)..].Split("||"))
        {
            var operations = new List<LitmusOperation>();
            foreach (var part in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                operations.Add(ParseOperation(name, part, locations));
            threads.Add(operations);
        }

        if (threads.Count > Views.MaxThreads)
            throw new LitmusFormatException($"{name}: {threads.Count} threads; the limit is {Views.MaxThreads}");
        return new LitmusProgram(name, locations, threads);
    }

    private static LitmusOperation ParseOperation(string name, string text, List<string> locations)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (words[0], words.Length) switch
        {
            ("W", 4) => new(LitmusKind.Write, Location(words[1]), Value(words[2]), 0, Order(words[3])),
            ("R", 3) => new(LitmusKind.Read, Location(words[1]), 0, 0, Order(words[2])),
            ("A", 4) => new(LitmusKind.Add, Location(words[1]), Value(words[2]), 0, Order(words[3])),
            ("X", 4) => new(LitmusKind.Exchange, Location(words[1]), Value(words[2]), 0, Order(words[3])),
            ("C", 5) => new(LitmusKind.CompareExchange, Location(words[1]), Value(words[2]), Value(words[3]), Order(words[4])),
            ("F", 2) => new(LitmusKind.Fence, 0, 0, 0, Order(words[1])),
            _ => throw new LitmusFormatException($"{name}: '{text}' is no operation; known are W x v o, R x o, A x v o, X x v o, C x e v o and F o"),
        };

        int Location(string word)
        {
            var known = locations.IndexOf(word);
            if (known >= 0)
                return known;
            locations.Add(word);
            return locations.Count - 1;
        }

        ulong Value(string word) => long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? (ulong)value
            : throw new LitmusFormatException($"{name}: '{word}' in '{text}' is no whole number of 64 bits");

        MemoryOrder Order(string word) => word switch
        {
            "rlx" => MemoryOrder.Relaxed,
            "acq" => MemoryOrder.Acquire,
            "rel" => MemoryOrder.Release,
            "ar" => MemoryOrder.AcqRel,
            "sc" => MemoryOrder.SeqCst,
            _ => throw new LitmusFormatException($"{name}: '{word}' in '{text}' is no order; known are rlx, acq, rel, ar and sc"),
        };
    }
}

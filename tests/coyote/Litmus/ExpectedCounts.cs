using System.Globalization;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Litmus;

namespace BitTreeAlloc.Tests.Explorer.Litmus;

/// <summary>The test data: litmus tests and families with the counts they must come to.</summary>
internal static class ExpectedCounts
{
    public static readonly MemoryModel[] Models = [MemoryModel.Sc, MemoryModel.Tso, MemoryModel.Net, MemoryModel.Rc11];

    public static readonly LitmusProgram[] Programs = [.. Lines("litmus.txt").Select(LitmusProgram.Parse)];

    /// <summary>By test and model: executions and outcomes.</summary>
    public static readonly Dictionary<(string Test, MemoryModel Model), (long Executions, int Outcomes)> Litmus = ReadLitmus();

    public static readonly (string Family, int Size, long Rc11, long Sc)[] Families = [.. Lines("families-expected-counts.txt").Select(ReadFamily)];

    private static Dictionary<(string Test, MemoryModel Model), (long Executions, int Outcomes)> ReadLitmus()
    {
        var counts = new Dictionary<(string Test, MemoryModel Model), (long Executions, int Outcomes)>();
        foreach (var line in Lines("litmus-expected-counts.txt"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            foreach (var word in words[1..])
            {
                var parts = word.Split('=', '/');
                counts.Add((words[0], Enum.Parse<MemoryModel>(parts[0], ignoreCase: true)), (Number(parts[1]), (int)Number(parts[2])));
            }
        }

        return counts;
    }

    private static (string Family, int Size, long Rc11, long Sc) ReadFamily(string line)
    {
        var words = line.Split(' ');
        return (words[0], (int)Number(words[1]), Number(words[2]), Number(words[3]));
    }

    private static IEnumerable<string> Lines(string resource)
    {
        using var reader = new StreamReader(typeof(ExpectedCounts).Assembly.GetManifestResourceStream(resource)!);
        return [.. reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#')];
    }

    private static long Number(string word) => long.Parse(word, NumberStyles.None, CultureInfo.InvariantCulture);
}

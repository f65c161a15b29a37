using System.Globalization;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>
/// What a thread's cache takes of the resident set, in a process of its own: the pool of cache records belongs to the process and keeps its pages, so a second run would find them there. Both sides.
/// </summary>
internal static class CurveChild
{
    /// <summary>The name of the hidden command.</summary>
    public const string Command = "curve-child";

    /// <summary>Starts the process; null where it cannot tell.</summary>
    public static double? Start(long threads, BitTreeAllocatorOptions options)
    {
        if (!RssReader.IsSupported)
            return null;
        var (line, _) = ChildRunner.RunLine([Command, threads.ToString(CultureInfo.InvariantCulture), options.Profile.ToString(), options.CasWidth.ToString()]);
        return double.TryParse(line?.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;
    }

    /// <summary>The child's side; returns the exit code.</summary>
    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Length != 3 || !int.TryParse(arguments[0], NumberStyles.None, CultureInfo.InvariantCulture, out var threads) || threads == 0
            || !Enum.TryParse<Profile>(arguments[1], out var profile) || !Enum.TryParse<CasWidth>(arguments[2], out var cas))
        {
            error.WriteLine($"bittree: {Command} is for the tool's own use");
            return ExitCode.BadInput;
        }

        var options = new BitTreeAllocatorOptions { Profile = profile, CasWidth = cas, Level = Level.Fast, UseContainerLimit = false };
        _ = ThreadsCurve.MeasureOne("", 1, options); // What the runtime compiles is not a thread's.
        RssReader.Settle();
        output.WriteLine((ThreadsCurve.MeasureOne("", threads, options).ResidentBytesPerThread ?? double.NaN).ToString("R", CultureInfo.InvariantCulture));
        return ExitCode.Success;
    }
}

using System.Diagnostics;
using System.Globalization;
using BitTreeAlloc.Tests.Property.Harness;
using BitTreeAlloc.Tests.Property.Soak;

namespace BitTreeAlloc.Tests.Property.Children;

/// <summary>The soak: <c>soak [SECONDS [SEED [background]]]</c>.</summary>
internal static class SoakProgram
{
    public static void Run(string[] arguments)
    {
        var seconds = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : Knobs.SoakSeconds;
        var seed = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : Knobs.StressSeed();
        if (arguments is [_, _, "background"])
        {
            using var self = Process.GetCurrentProcess();
            self.PriorityClass = ProcessPriorityClass.BelowNormal;
        }

        Console.WriteLine($"BITTREE_SEED={seed}");
        var report = SoakDriver.Run(new SoakPlan { Duration = TimeSpan.FromSeconds(seconds), Seed = seed, Say = Console.WriteLine });
        Console.Write(report.Text);
        if (report.Failure is not null)
            Environment.Exit(4); // Threads of a hang would keep the process.
    }
}

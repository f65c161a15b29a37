using System.Diagnostics;

namespace BitTreeAlloc.Tests.Architecture.HitPath;

/// <summary>Runs the hot loop in a child process and reads the listings of what the JIT made of it.</summary>
internal static class CompiledCode
{
    /// <summary>The listings of the final tier, by method.</summary>
    public static IReadOnlyList<Listing> Of(string loop, string methods)
    {
        var file = Path.Combine(Path.GetTempPath(), $"bittree-listing-{Environment.ProcessId}-{loop}.txt");
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "exec", typeof(CompiledCode).Assembly.Location, loop },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_JitDisasm"] = methods;
        start.Environment["DOTNET_JitStdOutFile"] = file;
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_TC_CallCountingDelayMs"] = "0";
        start.Environment["DOTNET_ReadyToRun"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(60)))
            process.Kill();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"the hot loop ended with code {process.ExitCode}: {errors.Result}");
        var text = File.ReadAllText(file);
        File.Delete(file);
        return [.. Listing.Parse(text).Where(listing => listing.Tier.StartsWith("Tier1", StringComparison.Ordinal)).GroupBy(listing => listing.Method).Select(group => group.Last())];
    }

    /// <summary>Why listings cannot be judged here, or null.</summary>
    public static string? Obstacle()
    {
        if (System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64)
            return $"only x64 listings are parsed, this is {System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture}";
        var debuggable = (DebuggableAttribute?)Attribute.GetCustomAttribute(typeof(BitTreeAllocator).Assembly, typeof(DebuggableAttribute));
        return debuggable is { IsJITOptimizerDisabled: true } ? "the library was built without optimisation; build with -c Release" : null;
    }
}

using System.Diagnostics;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>The test assembly as a program: runs one scenario in a process of its own, for tests that exhaust limits or expect the process to end.</summary>
/// <remarks>A scenario is a public static method without parameters of a public type in this assembly, which returns a line of text.</remarks>
internal static class ChildProgram
{
    /// <summary>Entry point: <c>child TYPE METHOD</c>. Anything else is not for people.</summary>
    public static int Main(string[] arguments)
    {
        if (arguments is not ["child", var type, var method])
            return 64;
        var scenario = typeof(ChildProgram).Assembly.GetType(type, throwOnError: true)!.GetMethod(method)
            ?? throw new ArgumentException($"{type} has no public method {method}");
        Console.WriteLine(scenario.Invoke(null, null));
        return 0;
    }

    /// <summary>Runs a scenario under limits (<c>ulimit</c> options of the shell, such as "-d 900000") and with variables of the environment, and returns its exit code and line.</summary>
    public static (int ExitCode, string Line) Run(Type type, string method, string limits = "", IEnumerable<(string Name, string Value)>? environment = null)
    {
        var command = (limits.Length == 0 ? "" : $"ulimit {limits} && ") + "exec dotnet exec \"$0\" child \"$1\" \"$2\"";
        var start = new ProcessStartInfo("/bin/sh", ["-c", command, typeof(ChildProgram).Assembly.Location, type.FullName!, method])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // No code is compiled in the background, where it could meet a limit that the scenario is about to lift again.
        start.Environment["DOTNET_TieredCompilation"] = "0";

        // The child's collector would otherwise reserve 256 GiB, and a crash that is expected would leave a dump.
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x8000000";
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd().Trim();
        if (!process.WaitForExit(120_000))
        {
            process.Kill();
            throw new TimeoutException($"{type.Name}.{method} did not end within two minutes");
        }

        return (process.ExitCode, output.Length == 0 ? error.Result : output);
    }
}

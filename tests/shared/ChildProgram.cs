using System.Diagnostics;

namespace BitTreeAlloc.Tests.Support;

/// <summary>
/// A test assembly as a program: runs one scenario in a process of its own, for tests that exhaust limits, need settings of the runtime, or expect the process to end. Compiled into each test
/// project that needs it.
/// </summary>
/// <remarks>A scenario is a public static method without parameters of a type in the assembly, which returns a line of text.</remarks>
internal static class ChildProgram
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(2);

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

    /// <summary>Runs a scenario and returns its exit code and what it printed, errors where that was nothing.</summary>
    /// <param name="type">The scenario's type.</param>
    /// <param name="method">The scenario.</param>
    /// <param name="limits"><c>ulimit</c> options of the shell, such as "-d 900000".</param>
    /// <param name="environment">Variables on top of the defaults below.</param>
    public static (int ExitCode, string Output) Run(Type type, string method, string limits = "", params (string Name, string Value)[] environment)
    {
        var assembly = typeof(ChildProgram).Assembly.Location;
        var start = limits.Length == 0
            ? new ProcessStartInfo("dotnet", ["exec", assembly, "child", type.FullName!, method])
            : new ProcessStartInfo("/bin/sh", ["-c", $"ulimit {limits} && exec dotnet exec \"$0\" child \"$1\" \"$2\"", assembly, type.FullName!, method]);
        return Run(start, type, method, environment);
    }

    /// <summary>As <see cref="Run(Type, string, string, (string, string)[])"/>, as the child of another program: its name and its own arguments.</summary>
    public static (int ExitCode, string Output) RunUnder(string[] program, Type type, string method) =>
        Run(new ProcessStartInfo(program[0], [.. program[1..], "dotnet", "exec", typeof(ChildProgram).Assembly.Location, "child", type.FullName!, method]), type, method, []);

    private static (int ExitCode, string Output) Run(ProcessStartInfo start, Type type, string method, (string Name, string Value)[] environment)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;

        // No code is compiled in the background, where it could meet a limit that the scenario is about to lift again.
        start.Environment["DOTNET_TieredCompilation"] = "0";

        // The child's collector would otherwise reserve 256 GiB, and a crash that is expected would leave a dump.
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x8000000";
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_hang))
        {
            process.Kill();
            throw new TimeoutException($"{type.Name}.{method} did not end within {s_hang.TotalMinutes} minutes");
        }

        return (process.ExitCode, output.Result.Trim() is { Length: > 0 } text ? text : error.Result);
    }
}

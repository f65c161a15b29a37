using System.Diagnostics;

namespace BitTreeAlloc.Tests.Explorer.Support;

/// <summary>The test assembly as a program: runs one scenario in a process of its own, under settings of the JIT.</summary>
/// <remarks>A scenario is a public static method without parameters of a type in this assembly, which returns a line of text.</remarks>
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

    /// <summary>Runs a scenario with environment variables and returns what it printed; fails the test where it did not end well.</summary>
    public static string Run(Type type, string method, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(ChildProgram).Assembly.Location, "child", type.FullName!, method])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{type.Name}.{method} ended with {process.ExitCode}: {output}{error.Result}");
        return output;
    }
}

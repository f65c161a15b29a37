using System.Diagnostics;

namespace BitTreeAlloc.Tests.Property.Children;

/// <summary>Starts this assembly as a child process and waits for its end.</summary>
internal static class Child
{
    public static (int ExitCode, string Output) Run(int seconds, params string[] arguments) => Run(seconds, [], arguments);

    public static (int ExitCode, string Output) Run(int seconds, IEnumerable<(string Name, string Value)> environment, string[] arguments) =>
        RunAsync(seconds, environment, arguments).GetAwaiter().GetResult();

    public static async Task<(int ExitCode, string Output)> RunAsync(int seconds, IEnumerable<(string Name, string Value)> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(Child).Assembly.Location },
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return (-1, $"no end after {seconds} s\n{await output.ConfigureAwait(false)}{await errors.ConfigureAwait(false)}");
        }

        return (process.ExitCode, await output.ConfigureAwait(false) + await errors.ConfigureAwait(false));
    }
}

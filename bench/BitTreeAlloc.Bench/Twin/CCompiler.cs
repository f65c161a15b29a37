using System.Diagnostics;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>The C compiler that is installed, and the twin's sources, which lie beside the program. What it makes lies in a directory of its own until this is disposed of.</summary>
internal sealed class CCompiler : IDisposable
{
    // x86-64-v2 is what the JIT assumes too; the 16-byte compare-exchange is inlined as the stub's is not.
    private static readonly string[] s_flags = ["-std=gnu11", "-O3", "-march=x86-64-v2", "-mcx16", "-fvisibility=hidden", "-Wall", "-Wextra"];

    private readonly string _compiler;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("bittree-twin-");
    private int _made;

    private CCompiler(string compiler) => _compiler = compiler;

    /// <summary>The directory of the sources.</summary>
    public static string Sources { get; } = Path.Combine(AppContext.BaseDirectory, "twin");

    /// <summary>gcc, cc or clang; null with the reason where none can be used here.</summary>
    public static CCompiler? Find(out string reason)
    {
        reason = "";
        if (!OperatingSystem.IsLinux() || System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64)
        {
            reason = "the twin is written for Linux on x64";
            return null;
        }

        foreach (var name in (string[])["gcc", "cc", "clang"])
        {
            if (TryRun(name, ["--version"], out _))
                return new CCompiler(name);
        }

        reason = "no C compiler is installed (gcc, cc and clang were looked for in the PATH)";
        return null;
    }

    /// <summary>A shared library of the twin with other numbers; the path of it.</summary>
    /// <exception cref="TwinException">The compiler refuses; the message has its first lines.</exception>
    public string MakeLibrary(IEnumerable<string> definitions) => Make("twin.c", ["-shared", "-fPIC", .. definitions.Select(one => "-D" + one)]);

    /// <summary>A program of the twin's own check; null where <paramref name="options"/> (of sanitizers) are not supported.</summary>
    public string? TryMakeCheck(IEnumerable<string> options)
    {
        try
        {
            return Make("check.c", ["-O1", "-g", "-pthread", .. options]);
        }
        catch (TwinException)
        {
            return null;
        }
    }

    /// <summary>Runs a program that was made here; its exit code, and what it wrote.</summary>
    public static int RunCheck(string program, out string output)
    {
        using var process = Start(program, []);
        output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private string Make(string source, string[] options)
    {
        var made = Path.Combine(_directory.FullName, $"{++_made}");
        return TryRun(_compiler, [.. s_flags, .. options, Path.Combine(Sources, source), "-o", made], out var errors)
            ? made
            : throw new TwinException($"{_compiler} cannot compile {source} with {string.Join(' ', options)}: {string.Join(" / ", errors.Split('\n').Take(3))}");
    }

    private static bool TryRun(string program, string[] arguments, out string errors)
    {
        try
        {
            using var process = Start(program, arguments);
            var output = process.StandardOutput.ReadToEndAsync();
            errors = process.StandardError.ReadToEnd();
            output.Wait();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            errors = e.Message;
            return false;
        }
    }

    private static Process Start(string program, string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }) ?? throw new TwinException($"{program} does not start");
}

/// <summary>The twin cannot be made, or it did something wrong.</summary>
internal sealed class TwinException(string message) : Exception(message);

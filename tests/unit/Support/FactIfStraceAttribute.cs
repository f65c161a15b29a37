using System.ComponentModel;
using System.Diagnostics;

namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>A fact about the system calls of a process, traced by strace; skipped, with the reason, where it is missing or may not trace.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfStraceAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_reason = new(Reason);

    public FactIfStraceAttribute() => Skip = s_reason.Value;

    private static string? Reason()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("strace", ["-o", "/dev/null", "true"]) { RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"strace may not trace here: {error.Trim()}";
        }
        catch (Win32Exception)
        {
            return "strace is not installed";
        }
    }
}

using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>Coyote reports home unless told otherwise before its first engine: the configuration says no, and this says it for whatever does not look there.</summary>
internal static class CoyoteModule
{
    [ModuleInitializer]
    internal static void SilenceTelemetry() => Environment.SetEnvironmentVariable("COYOTE_CLI_TELEMETRY_OPTOUT", "1");
}

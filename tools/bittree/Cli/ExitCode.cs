namespace BitTreeAlloc.Tool.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>An allocator failed verification, or failed altogether.</summary>
    public const int Failed = 1;

    /// <summary>A bad option, file or trace; nothing was measured.</summary>
    public const int BadInput = 2;
}

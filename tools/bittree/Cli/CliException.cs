namespace BitTreeAlloc.Tool.Cli;

/// <summary>Something the user gave cannot be used. The message is one line that names it and what would be right; the exit code is 2.</summary>
internal sealed class CliException(string message) : Exception(message);

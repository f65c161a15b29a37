namespace BitTreeAlloc.Tests.Property.Harness;

/// <summary>The allocator and the oracle disagree.</summary>
internal sealed class OracleViolation(string message) : Exception(message);

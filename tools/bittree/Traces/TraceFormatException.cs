namespace BitTreeAlloc.Tool.Traces;

/// <summary>A trace that contradicts its format or its own header. The message is one line and names the offset.</summary>
internal sealed class TraceFormatException : Exception
{
    /// <summary>Makes the error for <paramref name="what"/> found at <paramref name="offset"/>.</summary>
    /// <param name="offset">Offset in the decompressed stream, in bytes.</param>
    /// <param name="what">What is wrong there, without a full stop.</param>
    /// <param name="inner">The error below it, if any.</param>
    public TraceFormatException(long offset, string what, Exception? inner = null)
        : base($"offset {offset}: {what}", inner) => Offset = offset;

    /// <summary>Offset in the decompressed stream, in bytes.</summary>
    public long Offset { get; }
}

namespace BitTreeAlloc.Os;

/// <summary>Where the system uses transparent huge pages.</summary>
public enum TransparentHugePageMode
{
    /// <summary>It has none, or does not say.</summary>
    Unknown,

    /// <summary>Everywhere, but where it was advised not to.</summary>
    Always,

    /// <summary>Where it was advised to.</summary>
    Madvise,

    /// <summary>Nowhere; advice is taken without effect.</summary>
    Never,
}

using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Tool.Replay;

/// <summary>Makes contenders from names.</summary>
internal static class ContenderCatalog
{
    /// <summary>BitTreeAlloc's name.</summary>
    public const string BitTree = "bittree";

    /// <summary>NativeMemory's name: the yardstick of every ratio.</summary>
    public const string Native = "native";

    /// <summary>The name of the run without allocations. Not offered on the command line.</summary>
    public const string Empty = "empty";

    /// <summary>BitTreeAlloc with frees that are not told the size. Not offered on the command line.</summary>
    public const string BitTreeUnsized = "bittree-unsized";

    /// <summary>The names a user may give, apart from <c>all</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [BitTree, Native, .. PeerLibrary.Known.Select(p => p.Name)];

    /// <summary>The contender of that name; null where it is a peer that is not installed.</summary>
    /// <param name="name">One of <see cref="Names"/>, or <see cref="Empty"/>.</param>
    /// <param name="profile">For BitTreeAlloc.</param>
    /// <param name="level">For BitTreeAlloc.</param>
    /// <param name="cas">For BitTreeAlloc.</param>
    /// <param name="peers">Allocators of the user's, beside those the tool knows.</param>
    public static Contender? Make(string name, Profile profile, Level level, CasWidth cas, IReadOnlyList<PeerDescription>? peers = null)
    {
        BitTreeAllocatorOptions Options() => new() { Profile = profile, Level = level, CasWidth = cas };
        switch (name)
        {
            case BitTree:
                return new ContenderOf<BitTreeAdapter>(name, profile, level, () => new BitTreeAdapter(Options()), isInstance: true);
            case BitTreeUnsized:
                return new ContenderOf<BitTreeUnsizedAdapter>(name, profile, level, () => new BitTreeUnsizedAdapter(new BitTreeAdapter(Options())), isInstance: true);
            case Native:
                return new ContenderOf<NativeAdapter>(name, null, null, () => default, isInstance: false);
            case Empty:
                return new ContenderOf<NoOpAdapter>(name, null, null, () => default, isInstance: true);
        }

        var peer = PeerLibrary.Known.Concat(peers ?? []).Single(p => p.Name == name);
        return PeerLibrary.TryLoad(peer, out var library)
            ? new ContenderOf<PeerAdapter>(name, null, null, () => new PeerAdapter(library), isInstance: false)
            : null;
    }

    /// <summary>Starts the tool over where one of <paramref name="names"/> can be loaded only then; otherwise does nothing.</summary>
    public static void PrepareProcess(IEnumerable<string> names)
    {
        if (PeerLibrary.Known.Any(p => names.Contains(p.Name) && PeerLibrary.NeedsNewProcess(p)))
            StaticTls.StartOver();
    }

    /// <summary>How a peer that is missing can be had.</summary>
    public static string WhereToGet(string name) => $"Debian package {PeerLibrary.Known.Single(p => p.Name == name).Package}";
}

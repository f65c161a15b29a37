using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>Who can replay a trace: allocators with realloc and calloc, not pools.</summary>
internal static class TraceContenders
{
    /// <summary>All that can run here: ours first, then the others, then the user's peers.</summary>
    public static List<Contender> Make(BenchRequest request, Profile profile) =>
        [.. ContenderCatalog.Names.Concat(request.Peers.Select(peer => peer.Name)).Where(name => request.Contenders?.Contains(name) != false)
            .Select(name => ContenderCatalog.Make(name, profile, Level.Fast, request.Cas, request.Peers)).OfType<Contender>()];

    /// <summary>The library of a peer of the user's; else empty.</summary>
    public static string FileOf(string name, BenchRequest request) => request.Peers.FirstOrDefault(peer => peer.Name == name)?.Files[0] ?? "";

    /// <summary>Whether a name is one of the peers that the targets are set against.</summary>
    public static bool IsKnownPeer(string name) => PeerLibrary.Known.Any(peer => peer.Name == name);
}
